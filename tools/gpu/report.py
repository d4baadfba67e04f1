"""The findings as one JSON file and one Markdown file."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy

from tools.gpu.context import Context, Measurement
from tools.gpu.peers import import_torch


def write(context: Context, folder: Path) -> list[Path]:
    """Write both files; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    name = context.device["name"].lower().replace(" ", "_").replace("/", "_")
    data, page = folder / f"gpu_{name}.json", folder / f"gpu_{name}.md"
    found = {
        "date": date.today().isoformat(),
        "device": context.device,
        "versions": _versions(),
        "seconds": sum(section.seconds for section in context.sections),
        "sections": [asdict(section) for section in context.sections],
    }
    data.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    page.write_text(_markdown(context), encoding="utf-8")
    return [data, page]


def _versions() -> dict[str, str]:
    found = {"numpy": numpy.__version__}
    torch = import_torch()
    return found | {"torch": torch.__version__} if torch else found


def _markdown(context: Context) -> str:
    device = context.device
    lines = [
        f"# GPU check: {device['name']}",
        "",
        f"{date.today().isoformat()}, driver for CUDA {device['driver_version']}, runtime "
        f"{device['runtime_version']}, CuPy {device['cupy_version']}, cuDNN {device['cudnn']}, "
        + ", ".join(f"{name} {version}" for name, version in _versions().items())
        + ". Made by `python tools/gpu_check.py`.",
        "",
        "| section | checks passed | failed | seconds |",
        "|---|---|---|---|",
    ]
    for section in context.sections:
        passed = sum(check.passed for check in section.checks)
        failed = len(section.checks) - passed
        lines.append(f"| {section.name} | {passed} | {failed} | {section.seconds:.1f} |")
    checks = sum(len(section.checks) for section in context.sections)
    seconds = sum(section.seconds for section in context.sections)
    failed = len(context.failures)
    lines.append(f"| all | {checks - failed} | {failed} | {seconds:.1f} |")
    lines += ["", "## Disagreements", ""]
    lines += [f"- {check.name}: {check.detail}" for check in context.failures] or ["None."]
    for section in context.sections:
        if section.measurements:
            lines += ["", f"## {section.name.capitalize()}", "", *_table(section.measurements)]
    return "\n".join(lines) + "\n"


def _table(measurements: list[Measurement]) -> list[str]:
    columns = list(dict.fromkeys(key for m in measurements for key in m.beside))
    lines = [
        "| " + " | ".join(["what", "measured", *(key.replace("_", " ") for key in columns)]) + " |",
        "|" + "---|" * (2 + len(columns)),
    ]
    for m in measurements:
        cells = [f"{m.beside[key]:.3g}" if key in m.beside else "" for key in columns]
        lines.append("| " + " | ".join([m.name, f"{m.value:.4g} {m.unit}", *cells]) + " |")
    return lines

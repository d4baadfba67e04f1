"""Write docs/commands: a page for each command, with its help and what it prints for an example.

python tools/gen_command_docs.py [--keep-outputs]

The examples are run one after the other in a temporary folder, so that later ones find the files of
earlier ones; with --keep-outputs they are not run. `tests/test_command_docs.py` fails while the
help of a page is out of date.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from caffe_lite.cli.commands import COMMANDS, Parser, build_parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "commands"
MOST_LINES = 30
WIDTH = 100

DIGITS = "prototxt/digits"
NET, WEIGHTS = f"{DIGITS}/train_val.prototxt", "digits_iter_500.caffemodel"
# In the order in which they are run. Each is a command and its example.
EXAMPLES = (
    ("prepare", "prepare digits"),
    ("train", f"train --solver {DIGITS}/solver.prototxt --log-dir runs/digits"),
    ("test", f"test --model {NET} --weights {WEIGHTS} --iterations 4"),
    ("summary", f"summary {NET} --phase TRAIN"),
    ("time", f"time --model {NET} --iterations 20"),
    ("gradcheck", f"gradcheck --model {NET}"),
    ("explain", "explain LSTM --out lstm.html"),
    ("parse_log", "parse_log runs/digits/train.log ."),
    ("deploy", f"deploy {NET} --shape data=1,1,8,8 --out deploy.prototxt --weights {WEIGHTS}"),
    ("convert", f"convert {WEIGHTS} digits.npz"),
    ("verify", f"verify {WEIGHTS} digits_iter_500.solverstate digits.npz"),
    ("upgrade", f"upgrade net {DIGITS}/deploy.prototxt upgraded.prototxt"),
    ("layers", "layers ReLU"),
    ("device_query", "device_query"),
)
# Of their output only the end is of interest.
FROM_THE_END = {"train", "test", "time"}


def pages(outputs: dict[str, str]) -> dict[Path, str]:
    """The pages by path; `outputs` are what examples printed, by command."""
    parser = build_parser()
    examples = dict(EXAMPLES)
    made = {PAGES / "README.md": _index(parser)}
    for name in COMMANDS:
        task = parser.tasks[name]
        parts = [f"# {name}", *_help(task)]
        for each, below in task.tasks.items():
            parts += [f"## {name} {each}", *_help(below)]
        if name in outputs:
            shown = f"$ caffe_lite {examples[name]}\n{outputs[name]}"
            parts += ["## Example", f"```\n{shown}\n```"]
        made[PAGES / f"{name}.md"] = "\n\n".join(parts) + "\n"
    return made


def _index(parser: Parser) -> str:
    lines = [
        "# Commands",
        "",
        "Options take one dash or two, and dashes or underscores between words.",
        "",
        *(f"- [{name}]({name}.md): {_first_line(parser.tasks[name])}" for name in COMMANDS),
    ]
    return "\n".join(lines) + "\n"


def _first_line(task: argparse.ArgumentParser) -> str:
    return (task.description or "").partition("\n")[0]


def _help(task: argparse.ArgumentParser) -> Iterator[str]:
    """What `--help` prints, at a width of its own."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(WIDTH)
    try:
        text = task.format_help()
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    yield f"```\n{text.strip()}\n```"


def kept_outputs() -> dict[str, str]:
    """What examples printed when the pages were written last, by command."""
    found = {}
    for name, line in EXAMPLES:
        path = PAGES / f"{name}.md"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        shown = re.search(rf"\n\$ caffe_lite {re.escape(line)}\n(.*?)\n?```\n$", text, re.DOTALL)
        if shown:
            found[name] = shown[1].rstrip("\n")
    return found


def run_examples() -> dict[str, str]:
    """Run the examples; returns what they print, cut to some lines."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "prototxt").symlink_to(ROOT / "prototxt")
        for name, line in EXAMPLES:
            print(f"caffe_lite {line}", file=sys.stderr)
            done = subprocess.run(
                [sys.executable, "-m", "caffe_lite", *shlex.split(line)],
                cwd=folder,
                # parse_log needs the times that the log of train has before its lines.
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "GLOG_log_prefix": str(int(name == "train")),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=True,
            )
            found[name] = _cut(name, done.stdout.replace(str(Path(folder).resolve()), "/home/me"))
    return found


def _cut(name: str, output: str) -> str:
    lines = output.replace("```", "'''").rstrip("\n").split("\n")
    if len(lines) <= MOST_LINES:
        return "\n".join(lines)
    if name in FROM_THE_END:
        return "\n".join(["...", *lines[-MOST_LINES:]])
    return "\n".join([*lines[:MOST_LINES], "..."])


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--keep-outputs", action="store_true", help="do not run the examples")
    keep = arguments.parse_args().keep_outputs
    made = pages(kept_outputs() if keep else run_examples())
    PAGES.mkdir(exist_ok=True)
    for path in set(PAGES.glob("*.md")) - set(made):
        path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(made)} pages in {PAGES.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

"""Tables of the results of several seeds, in Markdown and JSON."""

import json
from pathlib import Path

import numpy as np

Table = dict[str, dict[str, float]]


def markdown(title: str, runs: list[Table], note: str, places: int = 1) -> str:
    """One table; each cell is the mean over the seeds +- their standard deviation."""
    columns = list(next(iter(runs[0].values())))
    lines = [
        f"## {title}",
        "",
        note,
        "",
        f"| | {' | '.join(columns)} |",
        f"|---|{'---:|' * len(columns)}",
    ]
    for row in runs[0]:
        cells = []
        for column in columns:
            values = np.array([run[row][column] for run in runs])
            digits = 2 if column == "CIDEr" else places
            spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.{digits}f}{spread}")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write(folder: Path, name: str, text: str, record: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")

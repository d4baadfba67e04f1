"""The paper's numbers beside ours, as Markdown."""

from __future__ import annotations

from caffe_lite.cli.reproduce.plan import Cell, Plan
from caffe_lite.cli.reproduce.state import State


def markdown(plan: Plan, state: State) -> str:
    """The table of a plan; numbers that are not there yet, or not in the paper, are "-"."""
    rows = list(dict.fromkeys(cell.row for cell in plan.cells))
    columns = list(dict.fromkeys(cell.column for cell in plan.cells))
    cells = {(cell.row, cell.column): cell for cell in plan.cells}
    lines = [f"# {plan.title}", "", plan.note, ""]
    lines += [f"| paper / ours | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for row in rows:
        found = [cells.get((row, column)) for column in columns]
        shown = ["" if cell is None else _shown(cell, state) for cell in found]
        lines.append(f"| {row} | {' | '.join(shown)} |")
    done = [state.done[step.name]["seconds"] for step in plan.steps if state.has(step)]
    lines += ["", f"{len(done)} of {len(plan.steps)} steps done in {sum(done) / 60:.1f} minutes."]
    return "\n".join(lines) + "\n"


def _shown(cell: Cell, state: State) -> str:
    ours = state.score(cell.step, cell.score)
    numbers = (cell.paper, None if ours is None else ours * cell.scale)
    return " / ".join("-" if each is None else f"{each:.{cell.places}f}" for each in numbers)

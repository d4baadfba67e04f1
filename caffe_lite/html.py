"""Small HTML tables for Jupyter, from text and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table; everything is escaped."""
    lines = [f"<table><caption>{escape(caption)}</caption>", _row("th", head)]
    lines += [_row("td", row) for row in rows]
    return "\n".join([*lines, "</table>"])


def _row(tag: str, cells: Sequence[object]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"


def statistics(values: Any) -> list[str]:
    """Smallest, mean, largest and standard deviation of a host array, to four digits."""
    if not values.size:
        return ["-"] * 4
    return [f"{each:.4g}" for each in (values.min(), values.mean(), values.max(), values.std())]

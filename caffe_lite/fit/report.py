"""The report on a fit: one HTML file with its pictures, and a table of classes as CSV."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from caffe_lite.fit.evaluation import ClassScore

_STYLE = (
    "body{font:15px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif;color:#1f2933;"
    "max-width:1100px;margin:24px auto;padding:0 16px}img{max-width:100%;border:1px solid #d8dee4}"
    "table{border-collapse:collapse}td,th{padding:3px 12px;text-align:right;"
    "border-bottom:1px solid #e3e7eb}td:first-child,th:first-child{text-align:left}"
    "pre{background:#f3f5f7;padding:10px 12px;overflow:auto;border-radius:5px}"
)


@dataclass(frozen=True)
class Report:
    """What is said: facts as (name, value), pictures as (title, bytes of a PNG), commands."""

    title: str
    facts: Sequence[tuple[str, str]]
    scores: Sequence[ClassScore]
    pictures: Sequence[tuple[str, bytes]]
    commands: Sequence[str]
    unreadable: Sequence[str]

    def html(self) -> str:
        """The report as one file that loads nothing."""
        parts = [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body><h1>{escape(self.title)}</h1>",
            _table(("", ""), self.facts),
        ]
        for title, picture in self.pictures:
            data = base64.b64encode(picture).decode()
            parts.append(f"<h2>{escape(title)}</h2>")
            parts.append(f'<img alt="{escape(title)}" src="data:image/png;base64,{data}">')
        head, *rows = class_table(self.scores)
        parts += ["<h2>Classes</h2>", _table(head, rows)]
        commands = "\n".join(self.commands)
        parts += [
            "<h2>Commands</h2><p>What was done, as commands that can be run alone:</p>",
            f"<pre>{escape(commands)}</pre>",
        ]
        if self.unreadable:
            listed = "\n".join(self.unreadable)
            parts.append(f"<h2>Images that cannot be read</h2><pre>{escape(_clean(listed))}</pre>")
        return "\n".join([*parts, "</body></html>"]) + "\n"


def class_table(scores: Sequence[ClassScore]) -> list[tuple[str, ...]]:
    """A row of headings, then one for each class."""
    rows: list[tuple[str, ...]] = [("class", "images", "right", "precision", "recall", "F1")]
    for each in scores:
        shares = (each.precision, each.recall, each.f1)
        numbers = ("-" if share != share else f"{share:.4f}" for share in shares)
        rows.append((each.name, str(each.images), str(each.right), *numbers))
    return rows


def table_csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["<table>"]
    if any(head):
        lines.append("<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>")
    for row in rows:
        lines.append("<tr>" + "".join(f"<td>{escape(_clean(c))}</td>" for c in row) + "</tr>")
    return "\n".join([*lines, "</table>"])


def _clean(text: str) -> str:
    """Names of files need not be UTF-8; Python holds the other bytes as surrogates."""
    return text.encode(errors="backslashreplace").decode()

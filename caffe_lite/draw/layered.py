"""Arrange the boxes of a graph in given rows with few crossings and short lines.

The method is Sugiyama's: rows are sorted by the mean position of each box's neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean

SWEEPS = 40


@dataclass(frozen=True)
class Edge:
    """A line from a box to one in a later row."""

    start: str
    end: str


class Layout:
    """Horizontal positions for the boxes of `rows`, from the first row down.

    With `straight`, long chains run straight down; else boxes are in the middle of all neighbours.
    A line that passes a row has a point of its own there, treated as a narrow box. `places` gives
    (x of the centre, number of the row) by name, `width` the total width.
    """

    def __init__(
        self,
        rows: list[list[str]],
        edges: list[Edge],
        box: float,
        gap: float,
        straight: bool = False,
    ) -> None:
        self._box, self._gap = box, gap
        self._rows = [list(row) for row in rows]
        self._boxes = {name for row in rows for name in row}
        self._routes: dict[Edge, list[str]] = {}
        self._neighbours: dict[str, list[str]] = defaultdict(list)
        row_of = {name: i for i, row in enumerate(rows) for name in row}
        for edge in edges:
            route = [edge.start]
            for i in range(row_of[edge.start] + 1, row_of[edge.end]):
                route.append(f"{edge.start}>{edge.end}@{i}")
                self._rows[i].append(route[-1])
            route.append(edge.end)
            self._routes[edge] = route
            for a, b in zip(route, route[1:], strict=False):
                self._neighbours[a].append(b)
                self._neighbours[b].append(a)
        self._row_of = {name: i for i, row in enumerate(self._rows) for name in row}
        self._reorder()
        self._x = self._spread()
        if straight:
            self._straighten()
        left = min(x - self._size(name) / 2 for name, x in self._x.items())
        self._x = {name: x - left for name, x in self._x.items()}
        self.width = max(x + self._size(name) / 2 for name, x in self._x.items())
        self.places = {name: (self._x[name], self._row_of[name]) for name in self._boxes}
        self.places = dict(sorted(self.places.items(), key=lambda item: (item[1][1], item[1][0])))

    def route(self, edge: Edge) -> list[tuple[float, int]]:
        """The points (x, row) that the edge passes, its boxes included."""
        return [(self._x[name], self._row_of[name]) for name in self._routes[edge]]

    def _size(self, name: str) -> float:
        return self._box if name in self._boxes else 2.0

    def _reorder(self) -> None:
        """Sort rows by the mean position of the neighbours; keep the order with least crossings."""
        best, fewest = [list(row) for row in self._rows], self._crossings()
        for sweep in range(SWEEPS):
            order = range(len(self._rows)) if sweep % 2 else range(len(self._rows) - 1, -1, -1)
            for i in order:
                other = i - 1 if sweep % 2 else i + 1
                if 0 <= other < len(self._rows):
                    self._sort(i, other)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self._rows], crossings
        self._rows = best

    def _sort(self, i: int, other: int) -> None:
        place = {name: k / len(self._rows[other]) for k, name in enumerate(self._rows[other])}
        own = {name: k / len(self._rows[i]) for k, name in enumerate(self._rows[i])}

        def mean(name: str) -> float:
            near = [place[each] for each in self._neighbours[name] if each in place]
            return fmean(near) if near else own[name]

        self._rows[i].sort(key=mean)

    def _crossings(self) -> int:
        total = 0
        for upper, lower in zip(self._rows, self._rows[1:], strict=False):
            place = {name: k for k, name in enumerate(lower)}
            lines = [
                (k, place[each])
                for k, name in enumerate(upper)
                for each in self._neighbours[name]
                if each in place
            ]
            total += sum(
                (a[0] - b[0]) * (a[1] - b[1]) < 0 for a in lines for b in lines if a[0] < b[0]
            )
        return total

    def _spread(self) -> dict[str, float]:
        """Move each box towards its neighbours, in the order of its row and without overlaps."""
        x: dict[str, float] = {}
        for row in self._rows:
            for k, name in enumerate(row):
                x[name] = (k - (len(row) - 1) / 2) * (self._box + self._gap)
        for _ in range(SWEEPS):
            for row in self._rows:
                wanted = [
                    fmean([x[each] for each in self._neighbours[name]])
                    if self._neighbours[name]
                    else x[name]
                    for name in row
                ]
                for name, place in zip(row, self._apart(row, wanted), strict=True):
                    x[name] = place
        return x

    def _straighten(self) -> None:
        """Put boxes below the mean of those above, then above the mean of those below, in turns.

        A move runs through a whole chain, which `_spread` would take a sweep for each row for.
        """
        for sweep in range(2 * SWEEPS + 1):
            down = sweep % 2 == 0
            for row in self._rows if down else reversed(self._rows):
                wanted = []
                for name in row:
                    here = self._row_of[name]
                    near = [
                        self._x[each]
                        for each in self._neighbours[name]
                        if (self._row_of[each] < here) == down
                    ]
                    wanted.append(fmean(near) if near else self._x[name])
                for name, place in zip(row, self._apart(row, wanted), strict=True):
                    self._x[name] = place

    def _apart(self, row: list[str], wanted: list[float]) -> list[float]:
        """Positions near those wanted, without overlaps: the mean of packing from either end."""
        steps = [
            (self._size(a) + self._size(b)) / 2 + self._gap
            for a, b in zip(row, row[1:], strict=False)
        ]
        from_left, from_right = list(wanted), list(wanted)
        for k, step in enumerate(steps):
            from_left[k + 1] = max(wanted[k + 1], from_left[k] + step)
        for k in range(len(steps) - 1, -1, -1):
            from_right[k] = min(wanted[k], from_right[k + 1] - steps[k])
        return [(a + b) / 2 for a, b in zip(from_left, from_right, strict=True)]

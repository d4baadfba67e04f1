"""A graph placed on a plane: boxes in rows, texts, and the curves between boxes."""

from __future__ import annotations

from dataclasses import dataclass, field

from caffe_lite.draw.facts import COLOURS
from caffe_lite.draw.graph import Box, Graph, Part
from caffe_lite.draw.layered import Edge, Layout

INK, FAINT, LINE = "#1f2933", "#5b6670", "#8a96a3"
MARGIN, TITLE = 24, 34
_HEAD, _ATTACHED, _NOTE = 40, 21, 16  # pixels: heights of parts, and of a note about weights
_NARROWEST, _WIDEST = 130, 300
_LETTER = 0.57  # mean width of a letter, of the size of the font
Point = tuple[float, float]


@dataclass(frozen=True)
class Rect:
    """A part of a box; `part` is its number among all parts."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    edge: str
    part: int
    title: str


@dataclass(frozen=True)
class Text:
    """One line; `anchor` is start, middle or end, and `y` the base line.

    A text that may cross lines has a white `halo`.
    """

    x: float
    y: float
    text: str
    size: int
    bold: bool = False
    colour: str = INK
    anchor: str = "middle"
    halo: bool = False


@dataclass(frozen=True)
class Curve:
    """Straight pieces and bends: `points` are a start, then triples as of cubic Bezier curves."""

    points: list[Point]
    dashed: bool = False


@dataclass
class Scene:
    """What is drawn, in pixels; `parts` are numbered as rectangles name them."""

    title: str
    width: float = 0
    height: float = 0
    rects: list[Rect] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def text_width(text: str, size: int) -> float:
    """About how wide a text is, whatever the font."""
    return len(text) * size * _LETTER


def make_scene(graph: Graph, direction: str = "TB") -> Scene:
    """Place a graph: "TB" from top to bottom, "LR" from left to right."""
    scene = Scene(graph.name)
    sizes = {box.key: (_width(box), _height(box)) for box in graph.boxes}
    across = 0 if direction == "TB" else 1  # which of a box's sides lies along its row
    rows = _rows(graph)
    edges = list(dict.fromkeys(Edge(line.start, line.end) for line in graph.lines))
    layout = Layout(rows, edges, max(size[across] for size in sizes.values()), 22.0, True)
    labels = {box.key: _labels(graph, box) for box in graph.boxes}
    starts, ends = _row_places(rows, sizes, labels, 1 - across)
    turn = (lambda p: p) if direction == "TB" else (lambda p: (p[1], p[0]))
    for edge in edges:
        route = [(x + MARGIN, row) for x, row in layout.route(edge)]
        scene.curves.append(
            Curve([turn(point) for point in _curve(route, starts, ends, sizes, edge, across)])
        )
    for box in graph.boxes:
        x, row = layout.places[box.key]
        wide, high = sizes[box.key]
        middle = turn((x + MARGIN, (starts[row] + ends[row]) / 2))
        _draw_box(scene, box, (middle[0] - wide / 2, middle[1] - high / 2), wide)
        _draw_labels(scene, labels[box.key], middle, (wide, high), direction)
    extent = (layout.width + 2 * MARGIN, ends[-1] + MARGIN)
    scene.width, scene.height = turn(extent)
    if direction == "TB":  # a label may be wider than its box
        right = [t.x + text_width(t.text, t.size) for t in scene.texts if t.anchor == "start"]
        scene.width = max([scene.width, *(edge + 8 for edge in right)])
    else:
        scene.width += max((text_width(t, 11) for each in labels.values() for t in each), default=0)
        scene.height += TITLE
    return scene


def _width(box: Box) -> float:
    wide = max(
        max(text_width(part.name, 13) * 1.06, text_width(_kind_line(part, i > 0), 11))
        + (text_width(part.only, 9) + 8 if part.only else 0)
        for i, part in enumerate(box.parts)
    )
    return min(max(wide + 22, _NARROWEST), _WIDEST)


def _height(box: Box) -> float:
    return sum(_part_height(part, i > 0) for i, part in enumerate(box.parts))


def _part_height(part: Part, attached: bool) -> float:
    return (_ATTACHED if attached else _HEAD) + _NOTE * bool(part.shares)


def _kind_line(part: Part, attached: bool) -> str:
    text = f"{part.param.type}  {part.facts}".strip()
    return f"{part.name} · {text}" if attached else text


def _labels(graph: Graph, box: Box) -> list[str]:
    tops = [graph.label(box, top) for top in dict.fromkeys(box.tops)]
    return [label for label in tops if label]


def _rows(graph: Graph) -> list[list[str]]:
    """Boxes in rows, each below all that it takes blobs from."""
    row = {box.key: 0 for box in graph.boxes}
    into: dict[str, list[str]] = {}
    for line in graph.lines:
        into.setdefault(line.end, []).append(line.start)
    for box in graph.boxes:  # in order of execution, so that makers come first
        row[box.key] = max((row[start] + 1 for start in into.get(box.key, [])), default=0)
    rows: list[list[str]] = [[] for _ in range(max(row.values()) + 1)]
    for key, number in row.items():
        rows[number].append(key)
    return rows


def _row_places(
    rows: list[list[str]],
    sizes: dict[str, tuple[float, float]],
    labels: dict[str, list[str]],
    along: int,
) -> tuple[list[float], list[float]]:
    """Where rows start and end, in the direction in which blobs run, with room for labels."""
    starts, ends = [], []
    place = float(MARGIN + (TITLE if along else 0))
    for row in rows:
        starts.append(place)
        place += max(sizes[key][along] for key in row)
        ends.append(place)
        if along:
            place += 24 + 14 * max(len(labels[key]) for key in row)
        else:
            texts = [text_width(text, 11) for key in row for text in labels[key]]
            place += 30 + max(texts, default=0)
    return starts, ends


def _curve(
    route: list[tuple[float, int]],
    starts: list[float],
    ends: list[float],
    sizes: dict[str, tuple[float, float]],
    edge: Edge,
    across: int,
) -> list[Point]:
    """From the side of the first box to that of the last; straight through the rows between."""
    first, last = route[0][1], route[-1][1]

    def half(key: str) -> float:
        return sizes[key][1 - across] / 2

    x = route[0][0]
    y = (starts[first] + ends[first]) / 2 + half(edge.start)
    points: list[Point] = [(x, y)]
    for to_x, row in route[1:]:
        enter = starts[row]
        if row == last:
            enter = (starts[row] + ends[row]) / 2 - half(edge.end)
        begin = max(y, ends[row - 1])
        if begin > y:
            points += [(x, y), (x, begin), (x, begin)]
        bend = (min(enter, starts[row]) - begin) / 2
        points += [(x, begin + bend), (to_x, begin + bend), (to_x, min(enter, starts[row]))]
        x, y = to_x, min(enter, starts[row])
        if enter > y:
            points += [(x, y), (x, enter), (x, enter)]
            y = enter
        if row != last:
            points += [(x, y), (x, ends[row]), (x, ends[row])]
            y = ends[row]
    return points


def _draw_box(scene: Scene, box: Box, corner: Point, wide: float) -> None:
    x, y = corner
    for i, part in enumerate(box.parts):
        high = _part_height(part, i > 0)
        fill, edge = COLOURS[part.kind]
        title = f"{part.name} ({part.param.type})"
        scene.rects.append(Rect(x, y, wide, high, fill, edge, len(scene.parts), title))
        scene.parts.append(part)
        room = wide - 14
        if part.only:
            scene.texts.append(Text(x + wide - 6, y + 12, part.only, 9, True, edge, "end"))
        if i:
            line = _fit(_kind_line(part, True), 11, room)
            scene.texts.append(Text(x + wide / 2, y + 15, line, 11))
        else:
            name = _fit(part.name, 14, room - (text_width(part.only, 9) if part.only else 0))
            scene.texts.append(Text(x + wide / 2, y + 17, name, 13, True))
            line = _fit(_kind_line(part, False), 11, room)
            scene.texts.append(Text(x + wide / 2, y + 32, line, 11, False, FAINT))
        if part.shares:
            owners = ", ".join(dict.fromkeys(part.shares.values()))
            line = _fit(f"weights of {owners}", 10, room)
            scene.texts.append(Text(x + wide / 2, y + high - 6, line, 10, False, edge))
        y += high


def _draw_labels(
    scene: Scene, labels: list[str], middle: Point, size: tuple[float, float], direction: str
) -> None:
    for i, label in enumerate(labels):
        if direction == "TB":
            place = middle[0] + 6, middle[1] + size[1] / 2 + 13 + 14 * i
        else:
            place = middle[0] + size[0] / 2 + 6, middle[1] - 4 - 13 * (len(labels) - 1 - i)
        scene.texts.append(Text(*place, label, 11, False, FAINT, "start", True))


def _fit(text: str, size: int, room: float) -> str:
    most = max(int(room / (size * _LETTER)), 4)
    return text if len(text) <= most else text[: most - 1] + "…"

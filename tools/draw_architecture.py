"""Draw docs/architecture.svg, the parts of the package and their imports.

Run `python -m tools.draw_architecture` after an import between two parts is added or removed;
`tests/test_architecture.py` fails while the picture is out of date. An arrow goes from a part to
one that it imports; it is left out if a path of other arrows leads there.
"""

from pathlib import Path
from xml.sax.saxutils import escape

from caffe_lite.draw.layered import Edge, Layout
from tools.architecture import MODULES, ROWS, imports, part_of, part_of_module

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "architecture.svg"

ROLES = {
    "errors": "what a user can fix",
    "html": "tables for Jupyter",
    "types": "what signatures share",
    "plugins": "what packages add",
    "trust": "what files may run",
    "proto": "schema, text, upgrades",
    "backend": "C, NumPy and CuPy",
    "data": "sources, images, batches",
    "blob": "data and diff",
    "datasets": "digits that ship",
    "runs": "logs, tables, curves",
    "host_blob": "NumPy copies",
    "fillers": "starting values",
    "weights": "caffemodels, states",
    "layers": "one file per type",
    "forks": "layers of Caffe's forks",
    "nets": "filter, connect, run",
    "solvers": "rules, rates, snapshots",
    "export": "other formats, proofs",
    "explain": "a net step by step",
    "board": "runs on a web page",
    "importer": "weights of others",
    "draw": "nets as graphs",
    "lrcn": "clips, captions, scores",
    "testing": "gradient checks",
    "recognition": "what is in images",
    "fit": "images to a report",
    "pycaffe": "Caffe's Python interface",
    "cli": "the command line",
    "dnn": "cv2.dnn's interface",
}
EVERYWHERE = tuple(part for part, row in ROWS.items() if row == 0)  # boxes without arrows
FRONT = ("__main__", "__init__")  # import what they name; nothing imports them

BOX, ROW, MARGIN, LABELS = (158, 44), 92, 24, 50  # pixels
STYLE = """
  text { font-family: system-ui, sans-serif; text-anchor: middle; fill: #1c2733 }
  .name { font-size: 15px; font-weight: 600 } .role { font-size: 11px; fill: #4d5c6b }
  .row { font-size: 11px; fill: #8794a1; text-anchor: start }
  rect { fill: #f3f7fb; stroke: #5b7a99; stroke-width: 1.2 } .base { fill: #eeeeea; stroke: #999 }
  path { fill: none; stroke: #5b7a99; stroke-width: 1.3 }
  .beside { stroke: #b5562a; stroke-dasharray: 5 4 } .page { fill: #ffffff; stroke: none }
"""


def part_imports() -> set[tuple[str, str]]:
    """Pairs of parts of which the first imports the second."""
    pairs = set()
    for path in MODULES:
        part = part_of(path)
        for each in imports(path):
            other = part_of_module(each.module)
            drawn = part not in FRONT + EVERYWHERE and other not in FRONT + EVERYWHERE
            if other and other != part and drawn:
                pairs.add((part, other))
    return pairs


def without_implied(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs that no path of other pairs implies; `pairs` must have no circle."""

    def below(part: str) -> set[str]:
        """What `part` imports, directly or not."""
        direct = {b for a, b in pairs if a == part}
        return direct.union(*map(below, direct))

    return {(a, b) for a, b in pairs if not any(b in below(c) for d, c in pairs if d == a)}


def draw() -> str:
    """The picture, as the text of an SVG file."""
    pairs = part_imports()
    down = {(a, b) for a, b in pairs if ROWS[a] > ROWS[b]}
    beside = pairs - down
    parts = {part_of(path) for path in MODULES} - set(FRONT) - set(EVERYWHERE)
    heights = sorted({ROWS[part] for part in parts}, reverse=True)
    rows = [[part for part in ROWS if part in parts and ROWS[part] == row] for row in heights]
    edges = [Edge(a, b) for a, b in sorted(without_implied(down))]
    layout = Layout(rows, edges, box=BOX[0], gap=MARGIN)

    width = round(layout.width) + 2 * MARGIN + LABELS
    height = len(rows) * ROW + BOX[1] + 2 * MARGIN

    def at(place: tuple[float, int]) -> tuple[float, float]:
        return LABELS + MARGIN + place[0], MARGIN + BOX[1] / 2 + place[1] * ROW

    centre = {part: at(place) for part, place in layout.places.items()}
    shapes = [f'<rect class="page" width="{width}" height="{height}"/>']
    for edge in edges:
        shapes.append(_path([at(place) for place in layout.route(edge)]))
    for a, b in sorted(beside):
        shapes.append(_beside(centre[a], centre[b]))
    for part, (x, y) in centre.items():
        shapes += _box(x, y, part, BOX[0], "part")
    for i, row in enumerate(heights):
        shapes.append(f'<text class="row" x="10" y="{MARGIN + i * ROW + 26}">row {row}</text>')
    each = (layout.width - MARGIN * (len(EVERYWHERE) - 1)) / len(EVERYWHERE)
    for i, part in enumerate(EVERYWHERE):
        x, y = at((each / 2 + i * (each + MARGIN), len(rows)))
        shapes += _box(x, y, part, each, "base")
    shapes.append(f'<text class="row" x="10" y="{MARGIN + len(rows) * ROW + 26}">row 0</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n'
        "<title>The parts of caffe_lite, and which imports which</title>\n"
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" '
        'style="fill:#5b7a99;stroke:none"/></marker></defs>\n' + "\n".join(shapes) + "\n</svg>\n"
    )


def _box(x: float, y: float, part: str, width: float, kind: str) -> list[str]:
    left, top = x - width / 2, y - BOX[1] / 2
    return [
        f'<rect class="{kind}" x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" '
        f'height="{BOX[1]}" rx="6"/>',
        f'<text class="name" x="{x:.0f}" y="{y - 3:.0f}">{escape(part)}</text>',
        f'<text class="role" x="{x:.0f}" y="{y + 14:.0f}">{escape(ROLES[part])}</text>',
    ]


def _path(points: list[tuple[float, float]]) -> str:
    """A smooth line from the bottom of the first box to the top of the last one."""
    half = BOX[1] / 2
    x, y = points[0]
    text = f"M{x:.0f} {y + half:.0f}"
    y += half
    for i, (to_x, to_y) in enumerate(points[1:], 1):
        last = i == len(points) - 1
        # Past a box in a row between, the line runs straight down.
        enter, leave = to_y - half - (3 if last else 0), to_y + half
        bend = (enter - y) / 2
        text += f" C{x:.0f} {y + bend:.0f} {to_x:.0f} {enter - bend:.0f} {to_x:.0f} {enter:.0f}"
        if not last:
            text += f" V{leave:.0f}"
        x, y = to_x, leave
    return f'<path d="{text}" marker-end="url(#head)"/>'


def _beside(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A dashed line under the boxes of one row, or up to a higher row."""
    (x, y), (to_x, to_y) = start, end
    half = BOX[1] / 2
    if y == to_y:
        y += half
        text = (
            f"M{x:.0f} {y:.0f} C{x:.0f} {y + 30:.0f} {to_x:.0f} {y + 30:.0f} {to_x:.0f} {y + 3:.0f}"
        )
    else:
        x += BOX[0] / 2 * (1 if to_x > x else -1)
        text = (
            f"M{x:.0f} {y:.0f} C{to_x:.0f} {y:.0f} {to_x:.0f} {y:.0f} "
            f"{to_x:.0f} {to_y + half + 3:.0f}"
        )
    return f'<path class="beside" d="{text}" marker-end="url(#head)"/>'


if __name__ == "__main__":
    PICTURE.write_text(draw())

"""A scene as SVG, a document of its own or the inside of a page."""

from __future__ import annotations

from html import escape

from caffe_lite.draw.scene import INK, LINE, MARGIN, Curve, Scene, Text

_STYLE = (
    "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif}"
    f"path{{fill:none;stroke:{LINE};stroke-width:1.3}}"
    ".halo{paint-order:stroke;stroke:#fff;stroke-width:4;stroke-linejoin:round}"
)


def to_svg(scene: Scene) -> str:
    """The scene as an SVG document; each part is a group with its number in `data-part`."""
    width, height = f"{scene.width:.0f}", f"{scene.height:.0f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">',
        f"<title>{escape(_clean(scene.title))}</title><style>{_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" '
        f'style="fill:{LINE};stroke:none"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    lines += [_path(curve) for curve in scene.curves]
    for rect in scene.rects:
        lines.append(
            f'<g class="box" data-part="{rect.part}"><title>{escape(_clean(rect.title))}</title>'
            f'<rect x="{rect.x:.1f}" y="{rect.y:.1f}" width="{rect.width:.1f}" '
            f'height="{rect.height:.1f}" rx="5" fill="{rect.fill}" stroke="{rect.edge}"/></g>'
        )
    if scene.title:
        lines.append(_text(Text(MARGIN, 28, scene.title, 16, True, INK, "start")))
    lines += [_text(text) for text in scene.texts]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _path(curve: Curve) -> str:
    (x, y), *rest = curve.points
    d = f"M{x:.1f} {y:.1f}"
    for i in range(0, len(rest), 3):
        d += " C" + " ".join(f"{px:.1f} {py:.1f}" for px, py in rest[i : i + 3])
    dashes = ' stroke-dasharray="5 4"' if curve.dashed else ""
    return f'<path d="{d}" marker-end="url(#head)"{dashes}/>'


def _text(text: Text) -> str:
    how = ' font-weight="600"' if text.bold else ""
    how += ' class="halo"' if text.halo else ""
    content = escape(_clean(text.text))
    return (
        f'<text x="{text.x:.1f}" y="{text.y:.1f}" font-size="{text.size}" fill="{text.colour}" '
        f'text-anchor="{text.anchor}" pointer-events="none"{how}>{content}</text>'
    )


def _clean(text: str) -> str:
    """The text without characters that XML does not allow."""
    return "".join(c if c.isprintable() else "�" for c in text)

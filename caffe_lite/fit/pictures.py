"""The pictures of a report, as PNG files: curves, confusions, and the worst mistakes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from caffe_lite.fit.evaluation import Answer
from caffe_lite.fit.mistakes import draw_mistakes
from caffe_lite.lrcn.pictures.canvas import Picture
from caffe_lite.lrcn.pictures.confusion import draw_confusion
from caffe_lite.runs.curves import read_run
from caffe_lite.runs.draw import draw_overview


def can_draw() -> bool:
    """Whether matplotlib is installed, which brings the curves and the font (extra `plot`)."""
    return find_spec("matplotlib") is not None


def draw_pictures(
    logs: str, counts: np.ndarray, names: Sequence[str], wrong: Sequence[Answer]
) -> list[tuple[str, str, bytes]]:
    """Pictures as (name, title, content): of the log in the folder `logs`, and of test images.

    `counts` (K, K) is the confusion matrix; without `wrong` answers there is no sheet of them.
    """
    curves = io.BytesIO()
    draw_overview([read_run(logs)]).savefig(curves, format="png", dpi=100)
    drawn = [
        ("curves", "Training", curves.getvalue()),
        ("confusion", "Confusions", _png(draw_confusion("test images", counts, names))),
    ]
    if wrong:
        sheet = draw_mistakes("the wrong answers of which the net was surest", wrong, names)
        drawn.append(("mistakes", "Worst mistakes", _png(sheet)))
    return drawn


def _png(picture: Picture) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()

"""What py-faster-rcnn keeps in `fast_rcnn.config`: defaults that `param_str` can override by name.

Defaults are those of py-faster-rcnn with its `faster_rcnn_end2end.yml`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.forks.rcnn.python_layers.param_str import read_param_str

log = logging.getLogger("caffe_lite.layers")


@dataclass(frozen=True)
class Settings:
    """Upper-case names of `param_str` are these fields, so `'BATCH_SIZE': 64` sets batch_size."""

    # Images
    scales: Sequence[float] = (600,)  # the shorter side, one drawn for each batch
    max_size: float = 1000.0  # the longer side at most
    pixel_means: Sequence[float] = (102.9801, 115.9465, 122.7717)  # B, G, R
    use_flipped: bool = True
    ims_per_batch: int = 0  # 0: one for a region proposal network, else two
    # Regions of a batch
    batch_size: int = 128
    fg_fraction: float = 0.25
    fg_thresh: float = 0.5
    bg_thresh_hi: float = 0.5
    bg_thresh_lo: float = 0.0
    agnostic: bool = False
    bbox_inside_weights: Sequence[float] = (1, 1, 1, 1)
    bbox_normalize_targets_precomputed: bool = True
    bbox_normalize_means: Sequence[float] = (0, 0, 0, 0)
    bbox_normalize_stds: Sequence[float] = (0.1, 0.1, 0.2, 0.2)
    # Anchors of a batch
    rpn_positive_overlap: float = 0.7
    rpn_negative_overlap: float = 0.3
    rpn_clobber_positives: bool = False
    rpn_fg_fraction: float = 0.5
    rpn_batchsize: int = 256
    rpn_bbox_inside_weights: Sequence[float] = (1, 1, 1, 1)
    rpn_positive_weight: float = -1.0
    # Proposals
    rpn_nms_thresh: float = 0.7
    rpn_pre_nms_top_n: int = 0  # 0: 12000 for training, 6000 for testing
    rpn_post_nms_top_n: int = 0  # 0: 2000 for training, 300 for testing
    rpn_min_size: float = 16.0


_FIELDS = {field.name.upper(): field for field in fields(Settings)}


def read_settings(param_str: str, known: dict[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """The settings in a `param_str`, and the layer's own keys: `known` with what is given.

    A key of `known` that is None is required. Raises DataError for one that is missing, a value of
    another type than the default's, and an upper-case name that is no setting; other keys that are
    not known are logged and left out, as forks' layers may have them.
    """
    given = read_param_str(param_str)
    own = dict(known)
    changed: dict[str, Any] = {}
    for key, value in given.items():
        if key in known:
            own[key] = _checked(key, value, known[key])
        elif key in _FIELDS:
            field = _FIELDS[key]
            changed[field.name] = _checked(key, value, field.default)
        elif key.isupper():
            raise DataError(f"param_str has no setting {key}{did_you_mean(key, list(_FIELDS))}")
        else:
            log.warning("param_str: %s is not known here and has no effect", key)
    for key, value in own.items():
        if value is None:
            raise DataError(f"param_str must give '{key}'")
    return replace(Settings(), **changed), own


def _checked(key: str, value: Any, default: Any) -> Any:
    """The value, if it is of the default's kind: a number, a truth value, text or numbers."""
    if isinstance(default, tuple):
        good = isinstance(value, list) and value and all(_is_number(each) for each in value)
        kind = "a list of numbers"
        if key.endswith(("WEIGHTS", "MEANS", "STDS")):
            good, kind = good and len(value) == len(default), f"a list of {len(default)} numbers"
    elif isinstance(default, bool):
        good, kind = isinstance(value, bool), "True or False"
    elif isinstance(default, str):
        good, kind = isinstance(value, str), "text"
    elif isinstance(default, float):
        good, kind = _is_number(value), "a number"
    else:  # an int, or None for a required key
        good, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    if not good:
        raise DataError(f"param_str: {key} must be {kind}, got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""What a solver hands to the backend for one learnable blob."""

from dataclasses import dataclass, field

from caffe_lite.types import Array


@dataclass
class UpdateSlot:
    """One learnable blob's arrays, all of one shape, and its multipliers.

    An update changes `data` and `history`, and leaves in `diff` the step that was subtracted from
    `data`.
    """

    data: Array
    diff: Array
    history: list[Array] = field(default_factory=list)
    lr_mult: float = 1.0
    decay_mult: float = 1.0

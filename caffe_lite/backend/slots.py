"""What a solver hands to the backend for one learnable blob."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class UpdateSlot:
    """One learnable blob's arrays, all of one shape, and its multipliers.

    `history` holds one array for SGD, Nesterov, AdaGrad and RMSProp; two for AdaDelta (squared
    gradients, squared steps) and Adam (first and second moment). An update changes `data` and
    `history`, and leaves in `diff` the step that was subtracted from `data`.
    """

    data: Any
    diff: Any
    history: list[Any] = field(default_factory=list)
    lr_mult: float = 1.0
    decay_mult: float = 1.0

"""The motions of the moving digits: position, angle and size of each digit at each time.

A single frame must not reveal the motion. So a property that a motion does not change has the
distribution that it has at a random time of a motion that does: the height of a digit moving left
is distributed as that of a digit moving up, its size as that of a growing one, and so on.
Left/right, up/down, clockwise/counterclockwise and growing/shrinking are time reversals of each
other, and bouncing covers the same range with the same density as moving up. Circling differs
slightly, because a circle is not the product of its two axes; its means and variances agree.
"""

from dataclasses import dataclass

import numpy as np

FRAMES = 16
SIZE = 32  # pixels of the square canvas: room for two digits of 9 to 14 pixels and their paths
MOTIONS = (
    "moves left",
    "moves right",
    "moves up",
    "moves down",
    "turns clockwise",
    "turns counterclockwise",
    "grows",
    "shrinks",
    "bounces",
    "circles",
)
RELATIONS = ("above", "below", "beside")  # of the first digit to the second; beside: to its left

_CENTRE = (SIZE - 1) / 2
_GAP = 14.0  # pixels between two digits
_REACH = 5.5  # pixels between a path and the centre at most, with one digit along an axis
_NARROW = 2.75  # the same along the axis on which two digits are
_TRAVEL = (0.8, 1.0)  # the share of that range that a path covers
_ANGLES = (-75.0, 75.0)  # degrees, clockwise; a six must not become a nine
_TURN = (0.9, 1.0)  # the share of that range that a digit turns through
_SIZES = {1: (1.6, 2.6), 2: (1.15, 1.75)}  # canvas pixels per scan pixel, by number of digits
_GROWTH = (0.9, 1.0)  # the share of that range, in logarithms, by which a digit grows
_HOP = (9.0, 12.0)  # frames of a bounce, down and up
_ROUND = (12.0, 16.0)  # frames of a circle
_ROUND_SHARE = np.sqrt(
    2 / 3
)  # of a path's range: such a circle has the same variance along an axis


@dataclass(frozen=True)
class Paths:
    """What n clips show. Times are the frames and one more, for the flow of the last frame.

    `label` (n,) indexes MOTIONS; `count` (n,) is 1 or 2 digits; `relation` (n,) indexes RELATIONS.
    `x`, `y` (n, 2, FRAMES + 1): the digits' centres in pixels, y downwards; `angle` in degrees
    clockwise and `scale` in pixels per scan pixel, of the same shape.
    """

    label: np.ndarray
    count: np.ndarray
    relation: np.ndarray
    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    scale: np.ndarray


def _course(
    rng: np.random.Generator, low: np.ndarray, high: np.ndarray, share: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The first and last value of a range that covers a random `share` of low ... high."""
    length = (high - low) * rng.uniform(*share, low.shape)
    first = rng.uniform(low, high - length)
    return first, first + length


def _along(
    rng: np.random.Generator, first: np.ndarray, last: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Values from `first` to `last` (direction 1), back (-1), or one random step of that path (0).

    `first` and `last` are (n,) or (n, 2), `direction` (n,): both digits of a clip move in step.
    """
    steps = (np.arange(FRAMES + 1) + 0.5) / FRAMES
    standing = (rng.integers(FRAMES, size=(len(direction), 1)) + 0.5) / FRAMES
    forward, back = (direction == 1)[:, None], (direction == -1)[:, None]
    at = np.where(forward, steps, np.where(back, 1 - steps, standing))
    at = at if first.ndim == 1 else at[:, None]
    return first[..., None] + (last - first)[..., None] * at


def _directions(label: np.ndarray, forward: str, backward: str) -> np.ndarray:
    return np.where(label == MOTIONS.index(forward), 1, 0) - (label == MOTIONS.index(backward))


def _swing(first: np.ndarray, last: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values from `first` to `last` (n,), as `at` (n, times) runs from -1 to 1."""
    return ((first + last)[:, None] + (last - first)[:, None] * at) / 2


def _positions(
    rng: np.random.Generator, label: np.ndarray, reach_x: np.ndarray, reach_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    left, right = _course(rng, _CENTRE - reach_x, _CENTRE + reach_x, _TRAVEL)
    top, bottom = _course(rng, _CENTRE - reach_y, _CENTRE + reach_y, _TRAVEL)
    x = _along(rng, left, right, _directions(label, "moves right", "moves left"))
    y = _along(rng, top, bottom, _directions(label, "moves down", "moves up"))
    phase = rng.uniform(0, 1, (len(label), 1))
    time = np.arange(FRAMES + 1)

    hop = rng.uniform(*_HOP, phase.shape)
    height = (
        4 * np.abs((time / hop + phase) % 1 - 0.5) - 1
    )  # from floor to ceiling and back, at constant speed
    bounce = _swing(top, bottom, height)
    y = np.where((label == MOTIONS.index("bounces"))[:, None], bounce, y)

    sense = rng.choice([-1.0, 1.0], phase.shape)
    turn = 2 * np.pi * (sense * time / rng.uniform(*_ROUND, phase.shape) + phase)
    circling = (label == MOTIONS.index("circles"))[:, None]
    return (
        np.where(circling, _swing(left, right, _ROUND_SHARE * np.cos(turn)), x),
        np.where(circling, _swing(top, bottom, _ROUND_SHARE * np.sin(turn)), y),
    )


def draw_paths(label: np.ndarray, rng: np.random.Generator) -> Paths:
    """Draw the paths of clips with these labels, indices of MOTIONS (n,)."""
    n = len(label)
    count = rng.integers(1, 3, n)
    relation = rng.integers(len(RELATIONS), size=n)
    pair = count == 2
    stacked = relation < 2
    reach_x = np.where(pair & ~stacked, _NARROW, _REACH)
    reach_y = np.where(pair & stacked, _NARROW, _REACH)
    x, y = _positions(rng, label, reach_x, reach_y)
    to_first = np.where(pair, _GAP / 2, 0) * np.where(relation == 1, 1, -1)
    to_digits = np.stack([to_first, -to_first], 1)[..., None]  # (n, 2, 1)
    x = x[:, None] + np.where(stacked[:, None, None], 0, to_digits)
    y = y[:, None] + np.where(stacked[:, None, None], to_digits, 0)

    each = np.ones((n, 2))
    turning = _directions(label, "turns clockwise", "turns counterclockwise")
    angle = _along(rng, *_course(rng, each * _ANGLES[0], each * _ANGLES[1], _TURN), turning)
    growing = _directions(label, "grows", "shrinks")
    sizes = np.log([_SIZES[1], _SIZES[2]])[count - 1]  # (n, 2): smallest, largest
    small, large = sizes[:, :1] * each, sizes[:, 1:] * each
    scale = np.exp(_along(rng, *_course(rng, small, large, _GROWTH), growing))
    return Paths(label, count, relation, x, y, angle, scale)

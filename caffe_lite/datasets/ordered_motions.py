"""Activities of the ordered digits: two motions one after the other, in either order.

Every motion goes out and comes back, so a digit is at its base before, between and after the two.
Drawing the same random values with the other order gives the same 17 frames, with the two motions
exchanged: neither a frame nor any mean over frames depends on the order.
"""

from dataclasses import dataclass

import numpy as np

FRAMES = 16
TIMES = FRAMES + 1  # and one more frame, for the flow of the last
SIZE = 32  # pixels of the square canvas
MOTIONS = ("moves left", "moves up", "turns", "grows", "circles", "dives")  # dives: right and down
PAIRS = ((0, 1), (2, 3), (4, 5))  # the motions that occur together
ACTIVITIES = tuple(
    f"{MOTIONS[first]}, then {MOTIONS[second]}"
    for pair in PAIRS
    for first, second in (pair, pair[::-1])
)
PAIR_OF_DIGIT = (0, 0, 0, 1, 1, 1, 2, 2, 2, 2)  # what a digit of each class usually does
USUAL = 0.95  # the share of clips in which it does
FREQUENT = (0, 0, 1, 2, 2, 3, 4, 4, 5)  # activities as often as they occur: one order more often

_CENTRE = (SIZE - 1) / 2
_BASE = 3.0  # pixels between a digit's base and the centre at most, along each axis
_LASTS = (7, 9)  # frames of a motion: the least, and one more than the most
_FAR = (1.5, 8.0)  # pixels that a digit moves
_ROUND = (0.7, 3.0)  # pixels: the radius of a circle
_TURN = (8.0, 60.0)  # degrees
_TILT = 15.0  # degrees by which a digit is turned at its base, at most
_SCALE = (1.4, 1.7)  # canvas pixels per scan pixel, at its base
_GROWTH = (1.08, 1.7)  # times the scale at the base
_SHAKE = (0.0, 1.0)  # pixels: the standard deviation of the camera's place, another in each clip
_SWAY = (0.0, 5.0)  # pixels that the camera moves, out and back, during each motion


@dataclass(frozen=True)
class Courses:
    """What n clips show, at times in which each motion of a pair keeps its place.

    `label` (n,) indexes ACTIVITIES. `x`, `y` (n, 17) are the digit's centre in pixels of the scene,
    y downwards, `angle` in degrees clockwise and `scale` in pixels per scan pixel. `camera` (n, 17,
    2) is what the camera's shake adds to x and y. `order` (n, 17) are the indices of these times
    in the order in which the clip shows them.
    """

    label: np.ndarray
    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    scale: np.ndarray
    camera: np.ndarray
    order: np.ndarray


def motions_of(label: np.ndarray) -> np.ndarray:
    """The first and the second motion of activities (n,): indices of MOTIONS (n, 2)."""
    table = np.array([order for pair in PAIRS for order in (pair, pair[::-1])])
    return table[label]


def swapped(label: np.ndarray) -> np.ndarray:
    """The activities (n,) of the same motions in the other order."""
    return label ^ 1


def draw_courses(label: np.ndarray, rng: np.random.Generator) -> Courses:
    """Draw the courses of clips with these labels (n,); the order of motions changes no draw."""
    n = len(label)
    lasts = rng.integers(*_LASTS, (n, 2))  # of the pair's two motions, not of the first and second
    rest = FRAMES - lasts.sum(1)  # the last of 17 times belongs to the rest at the end
    before = rng.integers(rest + 1)
    between = rng.integers(rest - before + 1)
    begins = np.stack([before, before + lasts[:, 0] + between], 1)
    state = {
        "x": rng.uniform(_CENTRE - _BASE, _CENTRE + _BASE, (n, 1)),
        "y": rng.uniform(_CENTRE - _BASE, _CENTRE + _BASE, (n, 1)),
        "angle": rng.uniform(-_TILT, _TILT, (n, 1)),
        "scale": np.log(rng.uniform(*_SCALE, (n, 1))),
    }
    times = np.arange(TIMES)
    pair = np.array(PAIRS)[label // 2]
    camera = rng.uniform(*_SHAKE, (n, 1, 1)) * rng.standard_normal((n, TIMES, 2))
    for which in (0, 1):
        phase = np.clip((times - begins[:, which, None]) / lasts[:, which, None], 0, 1)
        for name, moved in _excursion(pair[:, which], phase, rng).items():
            state[name] = state[name] + moved
        camera += _sway(phase, rng)
    order = np.stack(
        [
            _exchange(begin, length) if turned else times
            for begin, length, turned in zip(begins, lasts, label % 2, strict=True)
        ]
    )
    return Courses(
        label, state["x"], state["y"], state["angle"], np.exp(state["scale"]), camera, order
    )


def _sway(phase: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The camera's way (n, 17, 2) in a random direction: out and back, `phase` from 0 to 1."""
    far = rng.uniform(*_SWAY, (len(phase), 1, 1))
    direction = rng.uniform(0, 2 * np.pi, (len(phase), 1))
    heading = np.stack([np.cos(direction), np.sin(direction)], -1)
    return far * np.sin(np.pi * phase)[..., None] * heading


def _exchange(begins: np.ndarray, lasts: np.ndarray) -> np.ndarray:
    """The times (17,) with the two motions exchanged; rests keep their place and length."""
    first, second = (np.arange(b, b + n) for b, n in zip(begins, lasts, strict=True))
    between = np.arange(first[-1] + 1, second[0])
    return np.concatenate(
        [np.arange(first[0]), second, between, first, np.arange(second[-1] + 1, TIMES)]
    )


def _excursion(
    motion: np.ndarray, phase: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """What each clip's `motion` (n,) adds to x, y, angle and log scale (n, 17).

    `phase` runs from 0 to 1 during the motion; at both ends nothing is added.
    """
    n = len(motion)
    out = np.sin(np.pi * phase)
    far, radius = (rng.uniform(*span, (n, 1)) for span in (_FAR, _ROUND))
    turn = rng.uniform(*_TURN, (n, 1)) * rng.choice([-1.0, 1.0], (n, 1))
    growth = np.log(rng.uniform(*_GROWTH, (n, 1)))
    sense, start = rng.choice([-1.0, 1.0], (n, 1)), rng.uniform(0, 2 * np.pi, (n, 1))
    round_ = sense * 2 * np.pi * phase + start
    left, up, turns, grows, circles, dives = (motion[:, None] == m for m in range(len(MOTIONS)))
    return {
        "x": far * out * (dives * np.sqrt(0.5) - left)
        + circles * radius * (np.cos(round_) - np.cos(start)),
        "y": far * out * (dives * np.sqrt(0.5) - up)
        + circles * radius * (np.sin(round_) - np.sin(start)),
        "angle": turns * turn * out,
        "scale": grows * growth * out,
    }

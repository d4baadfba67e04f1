"""Pairs of frames whose optical flow is known: a moving camera, moving objects, and waves."""

from collections.abc import Callable

import numpy as np

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]  # two grey frames uint8, and the flow (H, W, 2)
HEIGHT, WIDTH, MARGIN = 240, 320, 40


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Grey levels with detail at all scales from 3 to 100 pixels, 20 to 235."""
    image = np.zeros((height, width))
    for size in (3, 6, 12, 25, 50, 100):
        grid = rng.normal(size=(height // size + 3, width // size + 3))
        y, x = np.mgrid[:height, :width] / size
        image += size**0.6 * _sample(grid, x + 1, y + 1)
    low, high = np.percentile(image, (1, 99))
    return np.clip(20 + 215 * (image - low) / (high - low), 20, 235)


def _sample(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear samples, with smooth weights."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - left, y - top
    left, top = np.clip(left, 0, image.shape[1] - 2), np.clip(top, 0, image.shape[0] - 2)
    upper = image[top, left] * (1 - fx) + image[top, left + 1] * fx
    lower = image[top + 1, left] * (1 - fx) + image[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    return x, y


def _frame(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def camera(rng: np.random.Generator) -> Scene:
    """A camera that pans by (4, -2), turns by 2 degrees and zooms by 3 %."""
    scene = texture(rng, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
    x, y = _grid()
    cx, cy, angle = x - WIDTH / 2, y - HEIGHT / 2, np.radians(2)
    u = 4 + 1.03 * (np.cos(angle) * cx - np.sin(angle) * cy) - cx
    v = -2 + 1.03 * (np.sin(angle) * cx + np.cos(angle) * cy) - cy
    first = _sample(scene, x + u + MARGIN, y + v + MARGIN)
    second = scene[MARGIN : MARGIN + HEIGHT, MARGIN : MARGIN + WIDTH]
    return _frame(first), _frame(second), np.stack([u, v], axis=-1)


def objects(rng: np.random.Generator) -> Scene:
    """Four discs and boxes that move by up to 9 pixels over a background that drifts."""
    x, y = _grid()
    frames, flow = [np.zeros((HEIGHT, WIDTH)) for _ in range(2)], np.zeros((HEIGHT, WIDTH, 2))
    layers = [(WIDTH / 2, HEIGHT / 2, 1e9, (1.3, 0.6), 0)]
    layers += [
        (80, 70, 38, (6, 3), 0),
        (220, 80, 45, (-7.5, 2), 1),
        (120, 170, 40, (2.5, -6.5), 1),
        (250, 175, 34, (-4, -8), 0),
    ]
    for cx, cy, radius, motion, is_box in layers:
        skin = texture(rng, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
        for t, frame in enumerate(frames):
            px, py = x - t * motion[0], y - t * motion[1]
            dx, dy = np.abs(px - cx), np.abs(py - cy)
            inside = np.maximum(dx, dy) < radius if is_box else np.hypot(dx, dy) < radius
            frame[inside] = _sample(skin, px + MARGIN, py + MARGIN)[inside]
            if t == 0:
                flow[inside] = motion
    return _frame(frames[0]), _frame(frames[1]), flow


def waves(rng: np.random.Generator) -> Scene:
    """A surface in smooth waves of up to 5 pixels, 4 % brighter in the second frame, with noise."""
    scene = texture(rng, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
    x, y = _grid()
    u = 3 * np.sin(x / 40) * np.cos(y / 55) + 1.5
    v = 3.5 * np.cos(x / 50 + 1) * np.sin(y / 35)
    first = _sample(scene, x + u + MARGIN, y + v + MARGIN)
    second = 1.04 * scene[MARGIN : MARGIN + HEIGHT, MARGIN : MARGIN + WIDTH]
    noisy = [frame + rng.normal(0, 2, frame.shape) for frame in (first, second)]
    return _frame(noisy[0]), _frame(noisy[1]), np.stack([u, v], axis=-1)


SCENES: dict[str, Callable[[np.random.Generator], Scene]] = {
    "camera": camera,
    "objects": objects,
    "waves": waves,
}


def endpoint_error(flow: np.ndarray, true: np.ndarray) -> float:
    """The mean distance between flows (H, W, 2), in pixels."""
    return float(np.linalg.norm(flow - true, axis=-1).mean())

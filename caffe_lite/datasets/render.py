"""Rendering of the moving digits: anti-aliased frames from scans and paths, and the exact flow."""

import numpy as np

from caffe_lite.datasets.motions import FRAMES, SIZE, Paths

_LEVELS = 255 / 16  # grey levels per unit of ink
_VISIBLE = 0.5 / _LEVELS
_CHUNK = 32  # clips drawn at once, so that the work stays in cache


def to_scan(
    x: np.ndarray, y: np.ndarray, angle: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's row and column in the scan, 0..7 inside it: (n, times, SIZE, SIZE).

    The scan's place (n, times), float32: its centre in pixels, its angle in degrees clockwise, its
    scale in pixels per scan pixel.
    """
    x, y, angle, scale = (values[..., None, None] for values in (x, y, angle, scale))
    turn = np.deg2rad(angle)
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    pixel = np.arange(SIZE, dtype=np.float32)
    dx, dy = pixel - x, pixel[:, None] - y
    return cos * dy - sin * dx + 3.5, cos * dx + sin * dy + 3.5


def sample(scans: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Sample scans (n, 8, 8) bilinearly at (row, column), zero outside: 0..16 float32."""
    padded = np.zeros((len(scans), 11, 11), np.float32)
    padded[:, 1:9, 1:9] = scans
    row = np.clip(row + 1, 0, 9)
    column = np.clip(column + 1, 0, 9)
    top, left = row.astype(np.int32), column.astype(np.int32)
    row -= top
    column -= left
    index = top * 11 + left
    index += (np.arange(len(scans), dtype=np.int32) * 121).reshape(-1, 1, 1, 1)
    flat = padded.ravel()
    upper = flat.take(index)
    upper += (flat.take(index + 1) - upper) * column
    lower = flat.take(index + 11)
    lower += (flat.take(index + 12) - lower) * column
    upper += (lower - upper) * row
    return upper


def _draw(scans: np.ndarray, paths: Paths, clips: np.ndarray, digit: int) -> np.ndarray:
    def pick(values: np.ndarray) -> np.ndarray:
        return values[clips, digit, :FRAMES].astype(np.float32)

    row, column = to_scan(*map(pick, (paths.x, paths.y, paths.angle, paths.scale)))
    return sample(scans[clips, digit], row, column)


def render(scans: np.ndarray, paths: Paths) -> np.ndarray:
    """Draw clips of the digits `scans` (n, 2, 8, 8), 0..16: (n, FRAMES, SIZE, SIZE) uint8.

    Where two digits overlap, the darker one is visible. Paper is 0, full ink 255.
    """
    frames = np.empty((len(scans), FRAMES, SIZE, SIZE), np.uint8)
    for start in range(0, len(scans), _CHUNK):
        clips = np.arange(start, min(start + _CHUNK, len(scans)))
        ink = _draw(scans, paths, clips, 0)
        pairs = np.flatnonzero(paths.count[clips] == 2)
        ink[pairs] = np.maximum(ink[pairs], _draw(scans, paths, clips[pairs], 1))
        frames[clips] = ink * _LEVELS + 0.5
    return frames


def flow(scans: np.ndarray, paths: Paths, clips: np.ndarray) -> np.ndarray:
    """The motion of each pixel's ink to the next frame, for `clips` (k,), indices.

    (k, FRAMES, SIZE, SIZE, 2) float32 in pixels, x to the right and y downwards; zero on paper.
    """
    moved = np.zeros((len(clips), FRAMES, SIZE, SIZE, 2), np.float32)
    for start in range(0, len(clips), _CHUNK):
        _flow(scans, paths, clips[start : start + _CHUNK], moved[start : start + _CHUNK])
    return moved


def _flow(scans: np.ndarray, paths: Paths, clips: np.ndarray, moved: np.ndarray) -> None:
    most = np.zeros(moved.shape[:-1], np.float32)
    pixel = np.arange(SIZE, dtype=np.float32)
    for digit in (0, 1):
        ink = _draw(scans, paths, clips, digit)
        ink[paths.count[clips] <= digit] = 0
        ink[ink < _VISIBLE] = 0
        shown = ink > most
        most = np.maximum(most, ink)
        x, y, angle, scale = (
            np.asarray(values[clips, digit], np.float32)[..., None, None]
            for values in (paths.x, paths.y, paths.angle, paths.scale)
        )
        turn = np.deg2rad(angle[:, 1:] - angle[:, :-1])
        growth = scale[:, 1:] / scale[:, :-1]
        cos, sin = np.cos(turn) * growth, np.sin(turn) * growth
        dx, dy = pixel - x[:, :-1], pixel[:, None] - y[:, :-1]
        np.copyto(moved[..., 0], x[:, 1:] + cos * dx - sin * dy - pixel, where=shown)
        np.copyto(moved[..., 1], y[:, 1:] + sin * dx + cos * dy - pixel[:, None], where=shown)

"""Dense optical flow between two frames, in NumPy.

The flow u minimizes, from coarse to fine,

    sum over pixels of  LAMBDA |I1(x + u(x)) - I0(x)| + |grad u_x| + |grad u_y|

by splitting the two terms and Chambolle's projection. Zach, Pock and Bischof, "A duality based
approach for realtime TV-L1 optical flow", DAGM 2007; the parameters are those of Perez, Meinhardt-
Llopis and Facciolo, "TV-L1 optical flow estimation", IPOL 2013. Unlike the squared terms of Horn
and Schunck, these allow motion to change abruptly at an object's edge, as do the terms of the
method that LRCN used (Brox et al., ECCV 2004).
"""

import numpy as np

LAMBDA, THETA, TAU = 0.15, 0.3, 0.25
WARPS, ITERATIONS = 5, 30
SMALLEST = 16  # pixels of the shorter side of the coarsest level

_GREY = np.array([0.114, 0.587, 0.299], np.float32)  # B, G, R


def optical_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The motion (H, W, 2) float32 from `first` to `second`, x and y in pixels.

    Frames are (H, W, 3), B G R, or (H, W), of values 0 to 255, and of one size. What is at (x, y)
    in `first` moves to (x + flow[y, x, 0], y + flow[y, x, 1]) in `second`. H and W are 2 at least.
    """
    if first.shape != second.shape:
        raise ValueError(f"frames must have one size, got {first.shape} and {second.shape}")
    pyramid = [(_grey(first), _grey(second))]
    while min(pyramid[-1][0].shape) >= 2 * SMALLEST:
        pyramid.append((_halve(pyramid[-1][0]), _halve(pyramid[-1][1])))
    flow = np.zeros((2, *pyramid[-1][0].shape), np.float32)
    for one, other in reversed(pyramid):
        if flow.shape[1:] != one.shape:
            flow = _double(flow, one.shape)
        _Level(one, other).refine(flow)
    return np.ascontiguousarray(flow.transpose(1, 2, 0))


class _Level:
    """One level of the pyramid, with the work arrays of its iterations."""

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self.first, self.second = first, second
        self.slope = np.stack([np.gradient(second, axis=axis) for axis in (1, 0)])
        height, width = first.shape
        self.place = np.stack(
            np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        )
        self.dual = np.zeros((2, 2, height, width), np.float32)  # component of u, axis x or y
        self.pace = np.empty_like(self.dual)
        self.moved = np.empty((2, height, width), np.float32)
        self.rest, self.step, self.norm = np.empty((3, height, width), np.float32)

    def refine(self, flow: np.ndarray) -> None:
        """Improve `flow` (2, H, W) in place."""
        for _ in range(WARPS):
            there, slope = self._look(flow)
            steepness = np.einsum("chw,chw->hw", slope, slope)
            np.add(steepness, 1e-6, out=steepness)
            constant = there - self.first - np.einsum("chw,chw->hw", slope, flow)
            for _ in range(ITERATIONS):
                self._fit(flow, slope, steepness, constant)
                self._smooth(flow)
            for component in flow:
                component[...] = _median(component)

    def _look(self, flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The second frame and its slope where `flow` leads; no slope beyond the border."""
        height, width = self.first.shape
        x, y = self.place + flow
        inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        np.clip(x, 0, width - 1, out=x)
        np.clip(y, 0, height - 1, out=y)
        left, top = x.astype(np.intp), y.astype(np.intp)
        right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        x -= left
        y -= top
        images = np.stack([self.second, *self.slope]).reshape(3, -1)
        upper = _between(images, top * width + left, top * width + right, x)
        lower = _between(images, bottom * width + left, bottom * width + right, x)
        found = upper + (lower - upper) * y
        return found[0], found[1:] * inside

    def _fit(
        self, flow: np.ndarray, slope: np.ndarray, steepness: np.ndarray, constant: np.ndarray
    ) -> None:
        """moved = flow, moved towards a difference of zero by at most LAMBDA THETA slopes."""
        rest, step, moved = self.rest, self.step, self.moved
        np.multiply(slope[0], flow[0], out=rest)
        np.multiply(slope[1], flow[1], out=step)
        rest += step
        rest += constant
        np.divide(rest, steepness, out=step)
        np.clip(step, -LAMBDA * THETA, LAMBDA * THETA, out=step)
        np.multiply(slope, step, out=moved)
        np.subtract(flow, moved, out=moved)

    def _smooth(self, flow: np.ndarray) -> None:
        """flow = moved + THETA div(dual), and one step of the dual variables."""
        dual, pace = self.dual, self.pace
        np.copyto(flow, dual[:, 0])
        flow[:, :, 1:] -= dual[:, 0, :, :-1]
        flow += dual[:, 1]
        flow[:, 1:] -= dual[:, 1, :-1]
        flow *= THETA
        flow += self.moved
        np.subtract(flow[:, :, 1:], flow[:, :, :-1], out=pace[:, 0, :, :-1])
        np.subtract(flow[:, 1:], flow[:, :-1], out=pace[:, 1, :-1])
        pace[:, 0, :, -1] = 0
        pace[:, 1, -1] = 0
        pace *= TAU / THETA
        dual += pace
        for c in range(2):
            np.hypot(pace[c, 0], pace[c, 1], out=self.norm)
            np.add(self.norm, 1, out=self.norm)
            dual[c] /= self.norm
        # The last column and row have no neighbour, so nothing is exchanged across the border.
        dual[:, 0, :, -1] = 0
        dual[:, 1, -1] = 0


def _grey(frame: np.ndarray) -> np.ndarray:
    grey = frame @ _GREY if frame.ndim == 3 else frame.astype(np.float32)
    return _blur(_blur(grey.astype(np.float32), 0), 1)


def _blur(image: np.ndarray, axis: int) -> np.ndarray:
    """Weights 1/4, 1/2, 1/4 along one axis; the border repeats."""
    margin = [(0, 0)] * image.ndim
    margin[axis] = (1, 1)
    padded = np.moveaxis(np.pad(image, margin, mode="edge"), axis, 0)
    return np.moveaxis((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4, 0, axis)


def _halve(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    image = np.pad(_blur(_blur(image, 0), 1), [(0, height % 2), (0, width % 2)], mode="edge")
    image = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4
    return image


def _double(flow: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Twice the flow on twice the pixels, bilinearly, cut to `shape`."""
    large = _blur(_blur(flow.repeat(2, axis=1).repeat(2, axis=2), 1), 2)
    return np.ascontiguousarray(2 * large[:, : shape[0], : shape[1]])


def _between(
    images: np.ndarray, low: np.ndarray, high: np.ndarray, fraction: np.ndarray
) -> np.ndarray:
    """Values of the flat `images` (n, H * W) between two sets of pixels."""
    first = images.take(low, axis=1)
    first += (images.take(high, axis=1) - first) * fraction
    return first


def _median(image: np.ndarray) -> np.ndarray:
    """The median of 3x3 pixels, by a network that sorts columns and then rows; borders stay."""
    up, mid, down = image[:-2], image[1:-1], image[2:]
    low, high = np.minimum(up, mid), np.maximum(up, mid)
    middle = np.maximum(low, np.minimum(high, down))
    low, high = np.minimum(low, down), np.maximum(high, down)

    def sides(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return rows[:, :-2], rows[:, 1:-1], rows[:, 2:]

    a, b, c = sides(low)
    largest_low = np.maximum(np.maximum(a, b), c)
    a, b, c = sides(high)
    smallest_high = np.minimum(np.minimum(a, b), c)
    a, b, c = sides(middle)
    central = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    out = image.copy()
    out[1:-1, 1:-1] = np.maximum(
        np.minimum(largest_low, central),
        np.minimum(np.maximum(largest_low, central), smallest_high),
    )
    return out

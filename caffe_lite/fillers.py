"""Fillers: the starting values of learned blobs (FillerParameter)."""

from collections.abc import Callable
from math import inf, prod, sqrt

from caffe_lite.blob import Blob
from caffe_lite.errors import did_you_mean
from caffe_lite.proto import schema
from caffe_lite.types import Array, ArrayLike, FillerParameter, Generator, Shape


def fill(blob: Blob, param: FillerParameter, rng: Callable[[], Generator]) -> None:
    """Fill `blob.data` as the FillerParameter says, from the host's random numbers `rng()`.

    Values are drawn on the host, so one seed gives the same net on every device, and only when
    the blob's data is first used, so a net can be described, or given weights, without them.
    Raises ValueError at once for an unknown type or a parameter that the type cannot take.
    """
    filler = _FILLERS.get(param.type)
    if filler is None:
        raise ValueError(
            f'unknown filler type "{param.type}"'
            f"{did_you_mean(param.type, _FILLERS)} (known: {', '.join(_FILLERS)})"
        )
    if param.sparse != -1 and param.type != "gaussian":
        raise ValueError(f'only the gaussian filler has sparse, got it with "{param.type}"')
    if blob.count == 0:
        raise ValueError("a blob with no elements cannot be filled")
    _check(blob.shape, param)
    shape, ops = blob.shape, blob.ops

    def initial(data: Array) -> None:
        data[...] = ops.asarray(filler(shape, param, rng()), dtype=ops.dtype)

    blob.fill_on_first_use(initial)


def draw(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Host values that broadcast to `shape`, drawn now; `param` must be one that `fill` accepts."""
    return _FILLERS[param.type](shape, param, rng)


def _check(shape: Shape, param: FillerParameter) -> None:
    if param.type == "uniform" and not 0 <= param.max - param.min < inf:
        raise ValueError(
            "uniform filler: min and max must be finite and min at most max, got "
            f"{param.min:g} and {param.max:g}"
        )
    if param.type == "gaussian" and not 0 <= param.std < inf:
        raise ValueError(f"gaussian filler: std must be a number from 0 up, got {param.std:g}")
    if param.type == "gaussian" and param.sparse < -1:
        raise ValueError(f"gaussian filler: sparse must be -1 or at least 0, got {param.sparse}")
    if param.type == "gaussian" and param.sparse >= 0 and not shape:
        raise ValueError("gaussian filler: sparse needs a blob with at least one axis, got none")
    if param.type == "bilinear" and (len(shape) != 4 or shape[2] != shape[3]):
        raise ValueError(f"bilinear filler: the blob needs 4 axes, square kernels, got {shape}")


def _constant(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    return param.value


def _uniform(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    return rng.uniform(param.min, param.max, shape)


def _gaussian(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Normal with `mean` and `std`; `sparse` >= 0 keeps about that many inputs per output."""
    values = rng.normal(param.mean, abs(param.std), shape)  # NumPy refuses -0.0
    if param.sparse == -1:
        return values
    # Caffe divides by shape[0], an inner product's outputs, although the rule is about its inputs.
    return values * (rng.random(shape) < param.sparse / shape[0])


def _positive_unitball(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Uniform in [0, 1), scaled so that the weights of each output sum to one."""
    values = rng.random(shape)
    rows = values.reshape(shape[0] if shape else 1, -1)
    rows /= rows.sum(axis=1, keepdims=True)
    return values


def _gaussian_unitball(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Standard normal, scaled so that the weights of each output have length one (happynear's)."""
    values = rng.normal(size=shape)
    rows = values.reshape(shape[0] if shape else 1, -1)
    rows /= ((rows * rows).sum(axis=1, keepdims=True) + 1e-12) ** 0.5
    return values


def _fan(shape: Shape, param: FillerParameter) -> float:
    """FAN_IN: count / shape[0]; FAN_OUT: count / shape[1]; AVERAGE: their mean."""
    count = prod(shape)
    fan_in = count / shape[0] if shape else 1.0
    fan_out = count / shape[1] if len(shape) > 1 else float(count)
    norm = schema.FillerParameter
    if param.variance_norm == norm.FAN_OUT:
        return fan_out
    if param.variance_norm == norm.AVERAGE:
        return (fan_in + fan_out) / 2
    return fan_in


def _xavier(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Uniform in [-limit, limit] with variance 1 / fan (Glorot and Bengio, AISTATS 2010)."""
    limit = sqrt(3 / _fan(shape, param))
    return rng.uniform(-limit, limit, shape)


def _msra(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Normal with variance 2 / fan (He et al., ICCV 2015)."""
    return rng.normal(0, sqrt(2 / _fan(shape, param)), shape)


def _bilinear(shape: Shape, param: FillerParameter, rng: Generator) -> ArrayLike:
    """Weights (N, C, K, K) with which a Deconvolution interpolates bilinearly."""
    kernel = shape[3]
    factor = (kernel + 1) // 2
    centre = (kernel - 1) / (2 * factor)
    line = [1 - abs(i / factor - centre) for i in range(kernel)]
    return [[a * b for b in line] for a in line]


_FILLERS: dict[str, Callable[[Shape, FillerParameter, Generator], ArrayLike]] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "gaussian_unitball": _gaussian_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}

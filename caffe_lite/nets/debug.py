"""What a net logs: shapes while it is built, mean magnitudes with debug_info."""

from __future__ import annotations

import logging
from math import nan, sqrt
from traceback import walk_tb
from typing import TYPE_CHECKING

from caffe_lite.errors import BackendError, LayerError
from caffe_lite.layers.base import Layer
from caffe_lite.proto import text
from caffe_lite.types import Array

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.net")


def log_definition(net: Net) -> None:
    """Log the definition that the net is built from, splits included."""
    if log.isEnabledFor(logging.INFO):
        log.info("Initializing net from parameters: \n%s", text.format(net.param))


def log_set_up(net: Net, i: int) -> None:
    """Log the bottoms, tops and top shapes of layer `i`, and the memory of the tops so far."""
    node, names = net.wiring.nodes[i], net.wiring.blob_names
    for b in node.bottom:
        log.info("%s <- %s", node.param.name, names[b])
    for j, t in enumerate(node.top):
        in_place = " (in-place)" if j < len(node.bottom) and node.bottom[j] == t else ""
        log.info("%s -> %s%s", node.param.name, names[t], in_place)
    log.info("Setting up %s", node.param.name)
    for blob, weight in zip(net.top_vecs[i], net.layers[i].loss_weight, strict=True):
        log.info("Top shape: %s(%d)", "".join(f"{size} " for size in blob.shape), blob.count)
        if weight:
            log.info("    with loss weight %g", weight)
    count = sum(blob.count for tops in net.top_vecs[: i + 1] for blob in tops)
    log.info("Memory required for data: %d", count * net.ops.dtype.itemsize)


def log_result(net: Net) -> None:
    """Log which layers run backward, and which blobs are outputs."""
    if not log.isEnabledFor(logging.INFO):
        return
    for layer, needed in zip(reversed(net.layers), reversed(net.layer_need_backward), strict=True):
        log.info("%s %s backward computation.", layer.name, "needs" if needed else "does not need")
    for name in net.outputs:
        log.info("This network produces output %s", name)
    log.info("Network initialization done.")


def _mean(array: Array) -> float:
    """The mean magnitude; NaN, which is Caffe's 0 / 0, of an empty blob."""
    return float(abs(array).mean()) if array.size else nan


def log_forward(net: Net, i: int) -> None:
    """Log the mean magnitudes of the tops and learned blobs of layer `i`."""
    layer = net.layers[i]
    for t, blob in zip(net.wiring.nodes[i].top, net.top_vecs[i], strict=True):
        log.info(
            "    [Forward] Layer %s, top blob %s data: %g",
            layer.name,
            net.wiring.blob_names[t],
            _mean(blob.data),
        )
    for use in net.parameters.uses:
        if use.layer is layer:
            log.info(
                "    [Forward] Layer %s, param blob %s data: %g",
                layer.name,
                use.display_name,
                _mean(layer.blobs[use.index].data),
            )


def log_backward(net: Net, i: int) -> None:
    """Log the mean magnitudes of the gradients that layer `i` computed."""
    layer = net.layers[i]
    for b, blob, needs in zip(
        net.wiring.nodes[i].bottom, net.bottom_vecs[i], net.bottom_need_backward[i], strict=True
    ):
        if needs:
            log.info(
                "    [Backward] Layer %s, bottom blob %s diff: %g",
                layer.name,
                net.wiring.blob_names[b],
                _mean(blob.diff),
            )
    for index, blob in enumerate(layer.blobs):
        if layer.needs_param_diff(index):
            log.info(
                "    [Backward] Layer %s, param blob %d diff: %g",
                layer.name,
                index,
                _mean(blob.diff),
            )


def log_norms(net: Net) -> None:
    """Log the L1 and L2 norms of all learned blobs and of their gradients.

    The line has severity ERROR, as Caffe's has: it is there with GLOG_minloglevel=2 too.
    """

    def norms(arrays: list[Array]) -> tuple[float, float]:
        return (
            sum(float(abs(a).sum()) for a in arrays),
            sqrt(sum(float((a * a).sum()) for a in arrays)),
        )

    l1_data, l2_data = norms([blob.data for blob in net.learnable_params])
    l1_diff, l2_diff = norms([blob.diff for blob in net.learnable_params])
    log.error(
        "    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)",
        l1_data,
        l1_diff,
        l2_data,
        l2_diff,
    )


def with_largest_blobs(error: BackendError | MemoryError, net: Net, count: int = 5) -> BackendError:
    """The out-of-memory error `error` with the net's largest blobs; another error unchanged."""
    from caffe_lite.backend.gpu.cuda import OutOfDeviceMemoryError

    if isinstance(error, BackendError) and not isinstance(error, OutOfDeviceMemoryError):
        return error
    named = list(zip(net.wiring.blob_names, net.blob_list, strict=True))
    for layer, blobs in net.params.items():
        named += [(f"{layer}[{i}]", blob) for i, blob in enumerate(blobs)]
    named.sort(key=lambda pair: -pair[1].count)
    size = net.ops.dtype.itemsize
    largest = ", ".join(
        f"{name} {'x'.join(map(str, blob.shape))} ({blob.count * size / 2**20:.0f} MiB)"
        for name, blob in named[:count]
    )
    what = str(error) or "out of memory"
    return BackendError(f"{what}; the net's largest blobs: {largest}; try a smaller batch")


def exit_as_error(error: SystemExit) -> LayerError:
    """The error of a layer whose code called sys.exit(), with the place of that call."""
    layer, place = None, ""
    for frame, line in walk_tb(error.__traceback__):
        if layer is None and isinstance(frame.f_locals.get("self"), Layer):
            layer = frame.f_locals["self"]
        place = f"{frame.f_code.co_filename}:{line}"
    text = f"its code ended the program at {place}: {error!r}; raise an error instead"
    return LayerError(text) if layer is None else layer.fail(text)

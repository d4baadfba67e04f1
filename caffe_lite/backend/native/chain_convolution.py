"""Convolutions as steps in C: which of the kinds, and what each one needs."""

from __future__ import annotations

import numpy

from caffe_lite.backend.native.blocked import (
    Blocked,
    Buffer,
    merged_groups,
    pack_dense,
    pack_depthwise,
    pack_planar,
    pack_winograd,
    per_channel_blocks,
    window_offsets,
)
from caffe_lite.backend.native.chain_images import ChainImages, Numbers
from caffe_lite.backend.operations import Convolve, Step
from caffe_lite.types import Array, Shape

SQUARES_BYTES = 768 << 10  # of transformed squares: what a second-level cache holds


def winograd_pays(o: Convolve, lanes: int) -> bool:
    """Whether minimal filtering is faster: 3x3, many channels, and few outputs beyond the image."""
    g, (_, outputs, height, width) = o.geometry, o.y_shape
    plain = (g.kernel, g.stride, g.pad, g.dilation, g.group) == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
    squares = -(-height // 2) * -(-width // 2)
    used = height * width / (4 * squares)
    return plain and min(o.x_shape[1], outputs) >= 2 * lanes and squares >= 36 and used > 0.8


def convolve(work: ChainImages, step: Step, o: Convolve) -> bool:
    """Emit a convolution, or return False if it cannot run on blocked images."""
    g, lanes = o.geometry, work.lanes
    x_shape, y_shape = (work.values[v].shape for v in (step.inputs[0], step.outputs[0]))
    if len(g.kernel) != 2 or o.x_shape != x_shape or o.y_shape != y_shape:
        return False
    channels, outputs = x_shape[1], y_shape[1]
    root = work.values[step.inputs[0]].root
    depthwise = g.group == channels == outputs and g.group > 1
    planar = g.group == 1 and channels < lanes and root not in work.images
    if planar and max(g.stride) > 64:
        return False
    if not (planar or depthwise) and g.stride[1] not in (1, 2):
        return False
    weight, group = o.weight, g.group
    if not (planar or depthwise) and group > 1:
        weight, group = merged_groups(weight, group, lanes)
        if group > 1 and (weight.shape[1] % lanes or outputs // group % lanes):
            return False
        if weight.size > 8 * o.weight.size * max(1, lanes // 16):
            return False  # mostly zeros
    numbers, slopes = work.activation(o.activation, outputs)
    numbers |= {
        "images": x_shape[0],
        "height": x_shape[2],
        "width": x_shape[3],
        "out_height": y_shape[2],
        "out_width": y_shape[3],
        "outputs": -(-outputs // lanes),
        "group": group,
    }
    for name in ("kernel", "stride", "pad", "dilation"):
        numbers[f"{name}_h"], numbers[f"{name}_w"] = getattr(g, name)
    images: dict[str, Blocked] = {}
    arrays: dict[str, Array | None] = {
        "bias": work.typed(per_channel_blocks(o.bias, lanes)),
        "slopes": slopes,
    }
    if planar:
        images["x"], arrays["offset"], depth = _planes(work, root, x_shape, y_shape, numbers)
        arrays["weight"], kind, blocks = pack_planar(weight, lanes), "planar", 1
    else:
        images["x"] = x = work.image(step.inputs[0])
        blocks = x.blocks
        window = (g.kernel, g.dilation, g.pad)
        if group == 1 and winograd_pays(o, lanes):
            _winograd(work, step, o, x, numbers, arrays)
            return True
        if depthwise:
            kind, depth = "depthwise", g.taps
            arrays["offset"] = window_offsets(x, 1, *window)
            arrays["weight"] = pack_depthwise(weight, lanes)
        else:
            kind, depth = "convolution", blocks // group * g.taps
            arrays["offset"] = window_offsets(x, blocks // group, *window)
            arrays["weight"] = pack_dense(weight, group, lanes)
    if len(step.inputs) > 1:
        images["z"] = work.image(step.inputs[1])
    images["y"] = work.new_image(work.values[step.outputs[0]].root)
    numbers |= {"depth": depth, "channels": blocks}
    work.emit(kind, numbers, arrays, images)
    return True


def _winograd(
    work: ChainImages,
    step: Step,
    o: Convolve,
    x: Blocked,
    numbers: Numbers,
    arrays: dict[str, Array | None],
) -> None:
    images = {"x": x}
    if len(step.inputs) > 1:
        images["z"] = work.image(step.inputs[1])
    images["y"] = work.new_image(work.values[step.outputs[0]].root)
    squares = -(-x.shape[2] // 2) * -(-x.shape[3] // 2)
    each = 16 * (x.blocks + 2) * work.lanes * work.dtype.itemsize  # bytes
    run = min(squares, max(14, SQUARES_BYTES // each // 14 * 14))
    threads: int = work.library.pool_threads()
    arrays["weight"] = pack_winograd(o.weight, work.lanes)
    arrays["offset"] = numpy.arange(x.blocks, dtype=numpy.int64) * run * work.lanes
    numbers |= {"channels": x.blocks, "depth": x.blocks, "size": run, "count": threads}
    scratch = Buffer(threads * run * each, work.now, work.now)
    work.emit("winograd", numbers, arrays, images, scratch=scratch)


def _planes(
    work: ChainImages, root: int, x_shape: Shape, y_shape: Shape, numbers: Numbers
) -> tuple[Blocked, Array, int]:
    """Planes of the few channels of a plain image, and the offsets of their taps."""
    names = "kernel_h kernel_w stride_h stride_w pad_h pad_w dilation_h dilation_w".split()
    sizes = [*x_shape, *y_shape[1:], *(int(numbers[name]) for name in names), 1]
    plan, row = numpy.array(sizes, numpy.int64), numpy.zeros(1, numpy.int64)
    depth = x_shape[1] * int(numbers["kernel_h"] * numbers["kernel_w"])
    offsets = numpy.zeros(depth, numpy.int64)
    plane: int = work.library.chain_planes(plan.ctypes.data, row.ctypes.data, offsets.ctypes.data)
    image = x_shape[1] * plane
    buffer = Buffer(x_shape[0] * image * work.dtype.itemsize, work.now, work.now)
    work.result.buffers.append(buffer)
    planes = Blocked(buffer, x_shape, 1, 0, image, plane, int(row[0]), (0, 0))
    filled = {**numbers, "count": x_shape[1], "activation": 0}
    work.need_plain(root)
    work.emit("planes", filled, images={"y": planes}, plain=root)
    return planes, offsets, depth

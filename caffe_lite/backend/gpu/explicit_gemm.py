"""Convolution as matrix products with columns of patches (im2col), in two layouts.

BATCHED stores the columns image by image and computes one strided-batched product, directly into
(N, O, *S'). WIDE puts the columns of all images side by side for one large product, at the cost of
swapping the outer axes of y or dy. Which is faster depends on the shape.

Both process the batch in chunks of images that fit the workspace.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.blas import Matrix
from caffe_lite.backend.gpu.constants import MOST_AXES
from caffe_lite.types import Array, Shape

BATCHED, WIDE = "batched", "wide"


@dataclass(frozen=True)
class Plan:
    """An algorithm: its layout, and the number of images per chunk.

    For cuDNN plans `variant` is the index of the engine configuration.
    """

    layout: str
    images: int
    variant: int = 0


@dataclass(frozen=True)
class Sizes:
    """The sizes of one convolution, apart from the number of images."""

    geometry: ConvGeometry
    spatial: Shape
    output: Shape
    channels: int
    outputs: int

    @property
    def pixels(self) -> int:
        """Output pixels of one image."""
        return prod(self.output)

    @property
    def rows(self) -> int:
        """Rows of the columns, over all groups."""
        return self.channels * self.geometry.taps

    @property
    def pointwise(self) -> bool:
        """Whether the columns equal x, so that im2col is not needed."""
        g = self.geometry
        return g.taps == 1 and set(g.stride) == {1} and set(g.pad) == {0}


def sizes_of(x: Array, y: Array, geometry: ConvGeometry) -> Sizes:
    """The sizes for x (N, C, *S) and y (N, O, *S')."""
    return Sizes(geometry, x.shape[2:], y.shape[2:], x.shape[1], y.shape[1])


class ExplicitGemm:
    """The three products of a convolution. x (N, C, *S), weight (O, C/g, *K), y (N, O, *S')."""

    def __init__(self, ops: GpuBase, tf32: bool) -> None:
        self._ops = ops
        self.tf32 = tf32
        self._geometries: dict[Sizes, Any] = {}

    def forward(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        y: Array,
        z: Sizes,
        plan: Plan,
        slope: float | None = None,
    ) -> None:
        """y = weight @ columns of x, plus bias, then relu with `slope`, unless those are None."""
        for part, count in _parts(len(x), plan):
            if plan.layout == BATCHED:
                (columns,) = self._columns(x[part], z, BATCHED)
                self._product(weight, columns, y[part], z, count, "forward", BATCHED)
                continue
            columns, swapped = self._columns(x[part], z, WIDE, (z.outputs, count, z.pixels))
            self._product(weight, columns, swapped, z, count, "forward", WIDE)
            self._swap(swapped, bias, y[part], z.outputs, count, z.pixels, slope)
        if bias is not None and plan.layout == BATCHED:
            self.finish(y, bias, z, slope)

    def finish(self, y: Array, bias: Array, z: Sizes, slope: float | None) -> None:
        """Add bias to y, and apply relu with `slope` unless that is None."""
        if slope is None:
            self._ops.launch("add_bias", y.size, y.size, y, bias, z.outputs, z.pixels)
        else:
            self._ops.launch("bias_relu", y.size, y.size, y, bias, slope, z.outputs, z.pixels)

    def grad_data(self, dy: Array, weight: Array, dx: Array, z: Sizes, plan: Plan) -> None:
        """dx = col2im of weight^T @ dy."""
        for part, count in _parts(len(dx), plan):
            if z.pointwise and plan.layout == BATCHED:
                self._product(weight, dx[part], dy[part], z, count, "data", BATCHED)
                continue
            columns, swapped = self._ops.workspaces(
                (count * z.rows * z.pixels,),
                (z.outputs, count, z.pixels) if plan.layout == WIDE else (0,),
            )
            source = dy[part]
            if plan.layout == WIDE:
                self._swap(source, None, swapped, count, z.outputs, z.pixels)
                source = swapped
            self._product(weight, columns, source, z, count, "data", plan.layout)
            self.unfold("col2im", columns, dx[part], z, plan.layout)

    def grad_weight(self, x: Array, dy: Array, dweight: Array, z: Sizes, plan: Plan) -> None:
        """dweight += dy @ (columns of x)^T, summed over images."""
        for part, count in _parts(len(x), plan):
            if plan.layout == WIDE:
                columns, swapped = self._columns(x[part], z, WIDE, (z.outputs, count, z.pixels))
                self._swap(dy[part], None, swapped, count, z.outputs, z.pixels)
                self._product(dweight, columns, swapped, z, count, "weight", WIDE)
                continue
            columns, each = self._columns(x[part], z, BATCHED, (count, dweight.size))
            self._product(each, columns, dy[part], z, count, "weight", BATCHED)
            self._ops.column_sum(each, count, dweight.size, dweight, accumulate=True)

    def _product(
        self,
        weight: Array,
        columns: Array,
        y: Array,
        z: Sizes,
        images: int,
        which: str,
        layout: str,
    ) -> None:
        """One of the three products for every group, over all of `images`.

        weight is W; for "weight" it receives the gradient, (images, W.size) if batched.
        """
        groups = z.geometry.group
        outputs, rows = z.outputs // groups, z.rows // groups
        wide = layout == WIDE
        length = images * z.pixels if wide else z.pixels
        batch = 1 if wide else images
        each = outputs * rows * groups
        for group in range(groups):
            column = Matrix(
                columns, length, which == "weight", group * rows * length, z.rows * length
            )
            out = Matrix(y, length, False, group * outputs * length, z.outputs * length)
            weights = Matrix(
                weight,
                rows,
                which == "data",
                group * outputs * rows,
                each if which == "weight" else 0,
            )
            gemm, tf32 = self._ops.blas.gemm, self.tf32
            if which == "forward":
                gemm(outputs, length, rows, weights, column, out, False, tf32, batch)
            elif which == "data":
                gemm(rows, length, outputs, weights, out, column, False, tf32, batch)
            else:
                gemm(outputs, rows, length, out, column, weights, wide, tf32, batch)

    def _columns(self, x: Array, z: Sizes, layout: str, *more: Shape) -> list[Array]:
        """The columns of x, and workspaces of the shapes `more`."""
        count = len(x)
        if z.pointwise and layout == BATCHED:
            return [x, *self._ops.workspaces(*more)]
        columns, *rest = self._ops.workspaces((count * z.rows * z.pixels,), *more)
        if z.pointwise:
            self._swap(x, None, columns, count, z.channels, z.pixels)
        else:
            self.unfold("im2col", x, columns, z, layout)
        return [columns, *rest]

    def unfold(self, kernel: str, source: Array, target: Array, z: Sizes, layout: str) -> None:
        """im2col of x into columns, or col2im of columns into x."""
        x = source if kernel == "im2col" else target
        count = len(x)
        wide = layout == WIDE
        steps = (z.pixels, count * z.pixels) if wide else (z.rows * z.pixels, z.pixels)
        threads = (z.pixels if kernel == "im2col" else prod(z.spatial), z.channels, count)
        g = z.geometry
        if len(z.spatial) == 2:
            self._ops.launch(
                f"{kernel}_2d",
                threads,
                *(source, target, count, z.channels, *z.spatial),
                *(*g.kernel, *g.stride, *g.pad, *g.dilation, *z.output, *steps),
            )
            return
        if len(z.spatial) > MOST_AXES:
            raise ValueError(
                f"convolution over {len(z.spatial)} axes: at most {MOST_AXES} on a GPU"
            )
        self._ops.launch(
            f"{kernel}_nd",
            threads,
            *(source, target, self._geometry(z), len(z.spatial), count, z.channels),
            *(prod(z.spatial), z.pixels, g.taps, *steps),
        )

    def _geometry(self, z: Sizes) -> Array:
        """The array `geometry` of im2col_nd.cu: six rows of integers."""
        if z not in self._geometries:
            g = z.geometry
            rows = [z.spatial, g.kernel, g.stride, g.pad, g.dilation, z.output]
            self._geometries[z] = self._ops.asarray(numpy.array(rows), "int32")
        return self._geometries[z]

    def _swap(
        self,
        x: Array,
        bias: Array | None,
        y: Array,
        a: int,
        b: int,
        inner: int,
        slope: float | None = None,
    ) -> None:
        n = a * b * inner
        relu = (slope is not None, slope or 0.0)
        self._ops.launch("swap_outer", -(-n // 4), n, x, bias, y, a, b, inner, *relu)


def _parts(images: int, plan: Plan) -> Any:
    """(slice, number of images) for each chunk of the batch."""
    for start in range(0, images, plan.images):
        count = min(plan.images, images - start)
        yield slice(start, start + count), count

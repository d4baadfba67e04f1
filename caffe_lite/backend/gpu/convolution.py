"""Convolution on the GPU: several algorithms, of which the fastest is measured once per shape."""

from collections.abc import Callable

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.gpu.activations import GpuActivations
from caffe_lite.backend.gpu.cudnn import CUDNN, CudnnEngine
from caffe_lite.backend.gpu.explicit_gemm import BATCHED, WIDE, ExplicitGemm, Plan, Sizes, sizes_of
from caffe_lite.backend.gpu.tuning import Tuner
from caffe_lite.types import Array, Shape

# Bytes of columns computed at a time: what fits the second-level cache of a large device, and what
# makes a product large enough for full speed.
CHUNK_BYTES = (32 * 2**20, 512 * 2**20)
# Tensor cores load 16 bytes at a time, so a WIDE row should hold a multiple of this many images.
WIDE_IMAGES = 4


class GpuConvolution(GpuActivations):
    """Convolution, its two gradients, and im2col.

    Shapes: x (N, C, *S), weight (O, C / group, *K), bias (O,), y (N, O, *S') with
    S' = geometry.output(S).
    """

    tuner: Tuner
    chunk_bytes: Shape
    explicit: ExplicitGemm
    cudnn: CudnnEngine | None

    def convolution(
        self, x: Array, weight: Array, bias: Array | None, y: Array, geometry: ConvGeometry
    ) -> None:
        """y = x convolved with weight, plus bias unless that is None."""
        if _depthwise(x, geometry):
            self.launch(
                "depthwise", y.size, y.size, x, weight, bias, y, *_depthwise_sizes(x, y, geometry)
            )
        else:
            self._convolution(x, weight, bias, y, geometry, None)

    def convolution_relu(
        self,
        x: Array,
        weight: Array,
        bias: Array,
        y: Array,
        geometry: ConvGeometry,
        slope: float = 0.0,
    ) -> None:
        """y = relu(convolution of x + bias); bias and relu take one pass."""
        if _depthwise(x, geometry):
            self.convolution(x, weight, None, y, geometry)
            self.bias_relu(y, bias, slope)
        else:
            self._convolution(x, weight, bias, y, geometry, slope)

    def _convolution(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        y: Array,
        geometry: ConvGeometry,
        slope: float | None,
    ) -> None:
        z = sizes_of(x, y, geometry)

        def run(plan: Plan) -> None:
            if plan.layout == CUDNN and self.cudnn:
                self.cudnn.run("forward", plan, z, x, weight, y)
                if bias is not None:
                    self.explicit.finish(y, bias, z, slope)
            else:
                self.explicit.forward(x, weight, bias, y, z, plan, slope)

        run(self._plan("forward", z, len(x), run))

    def convolution_grad_data(
        self, dy: Array, weight: Array, dx: Array, geometry: ConvGeometry
    ) -> None:
        """dx (overwritten) = the gradient of x. This is the forward pass of a deconvolution."""
        if _depthwise(dx, geometry):
            sizes = _depthwise_sizes(dx, dy, geometry)
            self.launch("depthwise_grad_data", dx.size, dx.size, dy, weight, dx, *sizes)
            return
        z = sizes_of(dx, dy, geometry)

        def run(plan: Plan) -> None:
            if plan.layout == CUDNN and self.cudnn:
                self.cudnn.run("data", plan, z, dx, weight, dy)
            else:
                self.explicit.grad_data(dy, weight, dx, z, plan)

        run(self._plan("data", z, len(dx), run))

    def convolution_grad_weight(
        self, x: Array, dy: Array, dweight: Array, geometry: ConvGeometry
    ) -> None:
        """dweight += the gradient of weight."""
        if _depthwise(x, geometry):
            weights = dweight.size
            self.launch.blocks(
                "depthwise_grad_weight",
                weights,
                *(weights, x, dy, dweight, len(x), *_depthwise_sizes(x, dy, geometry)),
            )
            return
        z = sizes_of(x, dy, geometry)

        def run(plan: Plan, target: Array | None = None) -> None:
            # It accumulates, so it is measured on a separate array.
            target = self.xp.empty_like(dweight) if target is None else target
            if plan.layout == CUDNN and self.cudnn:
                added = self.xp.empty_like(dweight)
                self.cudnn.run("weight", plan, z, x, added, dy)
                self.xp.add(target, added, out=target)
            else:
                self.explicit.grad_weight(x, dy, target, z, plan)

        run(self._plan("weight", z, len(x), run), dweight)

    def im2col(self, x: Array, columns: Array, geometry: ConvGeometry) -> None:
        """columns (N, C * taps, *S') = for each channel and tap, the pixels of every output."""
        z = Sizes(geometry, x.shape[2:], columns.shape[2:], x.shape[1], 0)
        self.explicit.unfold("im2col", x, columns, z, BATCHED)

    def col2im(self, columns: Array, x: Array, geometry: ConvGeometry) -> None:
        """x (overwritten): each column entry is added to the pixel that im2col copies it from."""
        z = Sizes(geometry, x.shape[2:], columns.shape[2:], x.shape[1], 0)
        self.explicit.unfold("col2im", columns, x, z, BATCHED)

    def _plan(self, which: str, z: Sizes, images: int, run: Callable[[Plan], None]) -> Plan:
        """The fastest plan for these sizes, measured on first use."""

        def plans() -> list[Plan]:
            own = candidates(which, z, images, self.dtype.itemsize, self.chunk_bytes)
            return own + (self.cudnn.plans(which, z, images) if self.cudnn else [])

        version = self.cudnn.version if self.cudnn else None
        key = (which, z, images, self.dtype.name, self.explicit.tf32, version)
        return self.tuner.choose(key, plans, run)


def candidates(which: str, z: Sizes, images: int, itemsize: int, limits: Shape) -> list[Plan]:
    """Plans worth measuring, the best guess first."""
    per_image = itemsize * z.pixels * (z.rows + z.outputs)
    partial = itemsize * z.outputs * z.rows // z.geometry.group
    plans = []
    for layout in (WIDE, BATCHED) if which == "weight" else (BATCHED, WIDE):
        need = per_image + partial if layout == BATCHED and which == "weight" else per_image
        for limit in reversed(limits):
            chunk = max(1, min(images, limit // max(1, need)))
            if z.pointwise and layout == BATCHED and which != "weight":
                chunk = images
            # Chunks of equal size: a small last one would be less efficient.
            chunk = -(-images // -(-images // chunk))
            aligned = -(-chunk // WIDE_IMAGES) * WIDE_IMAGES
            if layout == WIDE and aligned < images and aligned * need <= limit:
                chunk = aligned
            if Plan(layout, chunk) not in plans:
                plans.append(Plan(layout, chunk))
    return plans


def _depthwise(x: Array, geometry: ConvGeometry) -> bool:
    return x.ndim == 4 and geometry.group == x.shape[1] > 1


def _depthwise_sizes(x: Array, y: Array, g: ConvGeometry) -> Shape:
    """The arguments of the kernels in depthwise.cu from `channels` on."""
    multiplier = y.shape[1] // x.shape[1]
    spatial = (*x.shape[2:], *g.kernel, *g.stride, *g.pad, *g.dilation, *y.shape[2:])
    return (x.shape[1], multiplier, *spatial)

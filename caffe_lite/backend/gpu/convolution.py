"""Convolution on the GPU: matrix products over patches, with the layout measured once per shape."""

from collections.abc import Callable

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.gpu.activations import GpuActivations
from caffe_lite.backend.gpu.cudnn import CUDNN, CudnnEngine
from caffe_lite.backend.gpu.explicit_gemm import BATCHED, WIDE, ExplicitGemm, Plan, Sizes, sizes_of
from caffe_lite.backend.gpu.tuning import Tuner
from caffe_lite.types import Array, Shape

# Bytes of columns made at a time: what stays in the second-level cache of a large device, and what
# gives a product its full size.
CHUNK_BYTES = (32 * 2**20, 512 * 2**20)
# Tensor cores load 16 bytes at a time: rows of side by side images should be a multiple of that.
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
            self.launch("depthwise", y.size, y.size, x, weight, bias, y, *_thin(x, y, geometry))
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
        """y = relu of the convolution, with its bias added in the same pass."""
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
        """dx (overwritten) = the gradient to x. This is the forward pass of a deconvolution."""
        if _depthwise(dx, geometry):
            sizes = _thin(dx, dy, geometry)
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
        """dweight += the gradient to weight."""
        if _depthwise(x, geometry):
            weights = dweight.size
            self.launch.blocks(
                "depthwise_grad_weight",
                weights,
                *(weights, x, dy, dweight, len(x), *_thin(x, dy, geometry)),
            )
            return
        z = sizes_of(x, dy, geometry)

        def run(plan: Plan, target: Array | None = None) -> None:
            # Measured on an array of its own: it adds.
            target = self.xp.empty_like(dweight) if target is None else target
            if plan.layout == CUDNN and self.cudnn:
                added = self.xp.empty_like(dweight)
                self.cudnn.run("weight", plan, z, x, added, dy)
                self.xp.add(target, added, out=target)
            else:
                self.explicit.grad_weight(x, dy, target, z, plan)

        run(self._plan("weight", z, len(x), run), dweight)

    def im2col(self, x: Array, columns: Array, geometry: ConvGeometry) -> None:
        """columns (N, C * taps, *S') = for each channel and tap, the pixels that the tap meets."""
        z = Sizes(geometry, x.shape[2:], columns.shape[2:], x.shape[1], 0)
        self.explicit.unfold("im2col", x, columns, z, BATCHED)

    def col2im(self, columns: Array, x: Array, geometry: ConvGeometry) -> None:
        """x (overwritten) = each column entry added onto the pixel that im2col took it from."""
        z = Sizes(geometry, x.shape[2:], columns.shape[2:], x.shape[1], 0)
        self.explicit.unfold("col2im", columns, x, z, BATCHED)

    def _plan(self, which: str, z: Sizes, images: int, run: Callable[[Plan], None]) -> Plan:
        """The fastest plan for these sizes, measured when they first come."""

        def plans() -> list[Plan]:
            own = candidates(which, z, images, self.dtype.itemsize, self.chunk_bytes)
            return own + (self.cudnn.plans(which, z, images) if self.cudnn else [])

        version = self.cudnn.version if self.cudnn else None
        key = (which, z, images, self.dtype.name, self.explicit.tf32, version)
        return self.tuner.choose(key, plans, run)


def candidates(which: str, z: Sizes, images: int, itemsize: int, limits: Shape) -> list[Plan]:
    """Plans worth measuring, a good guess first."""
    per_image = itemsize * z.pixels * (z.rows + z.outputs)
    partial = itemsize * z.outputs * z.rows // z.geometry.group
    plans = []
    for layout in (WIDE, BATCHED) if which == "weight" else (BATCHED, WIDE):
        need = per_image + partial if layout == BATCHED and which == "weight" else per_image
        for limit in reversed(limits):
            chunk = max(1, min(images, limit // max(1, need)))
            if z.pointwise and layout == BATCHED and which != "weight":
                chunk = images
            # Even chunks: a small last one would run at a worse rate.
            chunk = -(-images // -(-images // chunk))
            aligned = -(-chunk // WIDE_IMAGES) * WIDE_IMAGES
            if layout == WIDE and aligned < images and aligned * need <= limit:
                chunk = aligned
            if Plan(layout, chunk) not in plans:
                plans.append(Plan(layout, chunk))
    return plans


def _depthwise(x: Array, geometry: ConvGeometry) -> bool:
    return x.ndim == 4 and geometry.group == x.shape[1] > 1


def _thin(x: Array, y: Array, g: ConvGeometry) -> Shape:
    """The sizes that depthwise.cu takes, from the channels on."""
    multiplier = y.shape[1] // x.shape[1]
    spatial = (*x.shape[2:], *g.kernel, *g.stride, *g.pad, *g.dilation, *y.shape[2:])
    return (x.shape[1], multiplier, *spatial)

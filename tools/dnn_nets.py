"""Random nets of the layers that OpenCV's Caffe importer has, small enough to record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from caffe_lite import Net
from caffe_lite.layers.registry import layer_class
from caffe_lite.proto import schema
from caffe_lite.weights import write_caffemodel

Shape = tuple[int, ...]


class RandomNet:
    """`text` is the definition of a net of some ten layers, `inputs` the shapes of its inputs.

    `seed` decides everything. Blobs stay within a few hundred elements.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        batch = self._pick(1, 1, 2, 3)
        self.inputs = {
            "data": (batch, self._pick(2, 3, 4), self._pick(7, 9, 11), self._pick(8, 10))
        }
        self._open: dict[str, Shape] = dict(self.inputs)
        self._layers: list[str] = []
        self._used = {"data"}  # blobs that a layer reads already
        wanted = int(self._rng.integers(4, 12))
        while len(self._layers) < wanted:
            self._pick(*_MAKERS)(self)
        sizes = " ".join(f"dim: {size}" for size in self.inputs["data"])
        self.text = "\n".join(
            [f'name: "random {seed}" input: "data" input_shape {{ {sizes} }}', *self._layers]
        )

    def _pick(self, *options):  # noqa: ANN002, ANN202 - one of any kind
        return options[self._rng.integers(len(options))]

    def _blob(self) -> tuple[str, Shape]:
        """A blob of four axes, the latest more often."""
        images = [name for name, shape in self._open.items() if len(shape) == 4]
        name = images[-1] if self._rng.random() < 0.7 else self._pick(*images)
        return name, self._open[name]

    def _add(self, kind: str, bottoms: list[str], tops: list[Shape], param: str = "") -> None:
        """Add a layer; one with a single bottom and top may work in place."""
        number = len(self._layers)
        in_place = (
            layer_class(kind).in_place and bottoms[0] not in self._used and self._rng.random() < 0.6
        )
        # Some layers share a name, as OpenCV numbers those.
        label = kind.lower() if self._rng.random() < 0.1 else f"{kind.lower()}{number}"
        if label in " ".join(self._layers) and kind in _LEARNING:
            label = f"{kind.lower()}{number}"
        names = [bottoms[0]] if in_place else [f"b{number}_{i}" for i in range(len(tops))]
        wires = " ".join([f'bottom: "{b}"' for b in bottoms] + [f'top: "{t}"' for t in names])
        self._layers.append(f'layer {{ name: "{label}" type: "{kind}" {wires} {param} }}')
        self._used.update(bottoms if not in_place else [])
        for name, shape in zip(names, tops, strict=True):
            self._open.pop(name, None)
            self._open[name] = shape

    def convolution(self) -> None:
        name, (n, c, h, w) = self._blob()
        kernel, stride, pad = self._pick(1, 2, 3), self._pick(1, 1, 2), self._pick(0, 1)
        group = self._pick(1, c)
        # OpenCV 4.14 computes other numbers than Caffe and PyTorch for some with a group a channel.
        dilation = self._pick(1, 1, 2) if group == 1 else 1
        reach = dilation * (kernel - 1) + 1
        if min(h, w) + 2 * pad < reach:
            return
        outputs = group * self._pick(1, 2, 3)
        bias = self._pick("true", "false")
        sides = [(side + 2 * pad - reach) // stride + 1 for side in (h, w)]
        self._add(
            "Convolution",
            [name],
            [(n, outputs, *sides)],
            f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} stride: {stride} "
            f"pad: {pad} dilation: {dilation} group: {group} bias_term: {bias} "
            '  weight_filler { type: "xavier" } bias_filler { type: "uniform" } }',
        )

    def deconvolution(self) -> None:
        name, (n, _, h, w) = self._blob()
        if h * w > 120:
            return
        kernel, stride = self._pick(2, 3, 4), self._pick(1, 2)
        sides = [stride * (side - 1) + kernel for side in (h, w)]
        self._add(
            "Deconvolution",
            [name],
            [(n, 3, *sides)],
            f"convolution_param {{ num_output: 3 kernel_size: {kernel} stride: {stride} "
            '  weight_filler { type: "xavier" } bias_filler { type: "uniform" } }',
        )

    def pooling(self) -> None:
        name, (n, c, h, w) = self._blob()
        kernel, stride, pad = self._pick(2, 3), self._pick(1, 2), self._pick(0, 0, 1)
        if min(h, w) < kernel + 1:
            return
        sides = []
        for side in (h, w):
            count = -(-(side + 2 * pad - kernel) // stride) + 1
            sides.append(count - (pad > 0 and (count - 1) * stride >= side + pad))
        pool = self._pick("MAX", "AVE")
        fields = f"pool: {pool} kernel_size: {kernel} stride: {stride} pad: {pad}"
        self._add("Pooling", [name], [(n, c, *sides)], f"pooling_param {{ {fields} }}")

    def neuron(self) -> None:
        name, shape = self._blob()
        kind, param = self._pick(
            ("ReLU", ""),
            ("ReLU", "relu_param { negative_slope: 0.2 }"),
            ("PReLU", ""),
            ("ELU", "elu_param { alpha: 0.7 }"),
            ("Sigmoid", ""),
            ("TanH", ""),
            ("AbsVal", ""),
            ("BNLL", ""),
            ("Power", "power_param { scale: 0.5 shift: 0.3 }"),
            ("Dropout", ""),
        )
        self._add(kind, [name], [shape], param)

    def normalization(self) -> None:
        name, shape = self._blob()
        kind, param = self._pick(
            ("BatchNorm", ""),
            ("Scale", "scale_param { bias_term: true }"),
            ("Scale", ""),
            ("LRN", "lrn_param { local_size: 3 alpha: 0.5 }"),
            ("LRN", "lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }"),
            ("MVN", ""),
            ("MVN", "mvn_param { normalize_variance: false across_channels: true }"),
            ("Softmax", ""),
            ("Normalize", "norm_param { across_spatial: false channel_shared: false }"),
        )
        self._add(kind, [name], [shape], param)

    def eltwise(self) -> None:
        name, shape = self._blob()
        others = [each for each, its in self._open.items() if its == shape and each != name]
        if not others:
            return
        param = self._pick(
            "operation: SUM", "operation: PROD", "operation: MAX", "coeff: 0.5 coeff: -1"
        )
        self._add("Eltwise", [name, self._pick(*others)], [shape], f"eltwise_param {{ {param} }}")

    def concat(self) -> None:
        name, (n, c, h, w) = self._blob()
        fits = [
            each
            for each, its in self._open.items()
            if each != name and len(its) == 4 and (its[0], *its[2:]) == (n, h, w)
        ]
        if fits:
            other = self._pick(*fits)
            self._add("Concat", [name, other], [(n, c + self._open[other][1], h, w)])

    def slice(self) -> None:
        name, (n, c, h, w) = self._blob()
        if c > 1:
            first = int(self._rng.integers(1, c))
            tops: list[Shape] = [(n, first, h, w), (n, c - first, h, w)]
            self._add("Slice", [name], tops, f"slice_param {{ slice_point: {first} }}")

    def permute(self) -> None:
        name, shape = self._blob()
        # Not (1, 2, 3), through which OpenCV 4.14 lets a layer in place overwrite the net's input.
        order = [0, *self._pick((1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1))]
        fields = " ".join(f"order: {axis}" for axis in order)
        top = tuple(shape[axis] for axis in order)
        self._add("Permute", [name], [top], f"permute_param {{ {fields} }}")

    def flat(self) -> None:
        name, shape = self._blob()
        self._add("Flatten", [name], [(shape[0], int(np.prod(shape[1:])))])

    def inner_product(self) -> None:
        name, shape = self._blob()
        outputs = self._pick(3, 5)
        self._add(
            "InnerProduct",
            [name],
            [(shape[0], outputs)],
            f"inner_product_param {{ num_output: {outputs} "
            'weight_filler { type: "xavier" } bias_filler { type: "uniform" } }',
        )

    def weights(self, folder: Path) -> Path:
        """Write the definition and random weights; returns the path of the caffemodel."""
        (folder / "net.prototxt").write_text(self.text)
        with Net(str(folder / "net.prototxt"), schema.TEST, seed=1) as net:
            for layer in net.layers:
                for blob in layer.blobs:
                    noise = self._rng.uniform(0.2, 1, blob.shape).astype(np.float32)
                    blob.data[...] = noise if layer.type in _POSITIVE else blob.data
            write_caffemodel(net, folder / "net.caffemodel")
        return folder / "net.caffemodel"

    def values(self) -> dict[str, np.ndarray]:
        """Arrays for the inputs."""
        return {
            name: self._rng.normal(size=shape).astype(np.float32)
            for name, shape in self.inputs.items()
        }


_MAKERS: list[Callable[[RandomNet], None]] = [
    RandomNet.convolution,
    RandomNet.convolution,
    RandomNet.deconvolution,
    RandomNet.pooling,
    RandomNet.neuron,
    RandomNet.neuron,
    RandomNet.neuron,
    RandomNet.normalization,
    RandomNet.normalization,
    RandomNet.eltwise,
    RandomNet.eltwise,
    RandomNet.concat,
    RandomNet.slice,
    RandomNet.permute,
    RandomNet.flat,
    RandomNet.inner_product,
]
_LEARNING = {"Convolution", "Deconvolution", "InnerProduct", "PReLU", "BatchNorm", "Scale"}
_LEARNING |= {"Normalize"}
_POSITIVE = {"PReLU", "BatchNorm", "Scale", "Normalize"}

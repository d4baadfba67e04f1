"""The timed nets as prototxt, with random inputs."""

from typing import Any

import numpy

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

FILLER = 'weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" value: 0.1 }'
UNIFORM = 'weight_filler { type: "uniform" min: -0.08 max: 0.08 }'


class Definition:
    """A net under construction: each method appends one layer after the last."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.top = ""

    def layer(self, kind: str, name: str, rest: str = "", bottom: str = "", top: str = "") -> None:
        bottoms = " ".join(f'bottom: "{b}"' for b in (bottom or self.top).split(",") if b)
        self.top = top or name
        self.lines.append(
            f'layer {{ name: "{name}" type: "{kind}" {bottoms} top: "{self.top}" {rest} }}'
        )

    def inputs(self, **shapes: tuple[int, ...]) -> None:
        for name, shape in shapes.items():
            dims = " ".join(f"dim: {d}" for d in shape)
            self.top = ""
            self.layer("Input", name, f"input_param {{ shape {{ {dims} }} }}")

    def conv(self, name: str, outputs: int, kernel: int, more: str = "") -> None:
        self.layer(
            "Convolution",
            name,
            f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} {more} {FILLER} }}",
        )

    def relu(self, name: str) -> None:
        self.layer("ReLU", name, top=self.top)

    def pool(self, name: str, kernel: int = 3, stride: int = 2) -> None:
        self.layer(
            "Pooling", name, f"pooling_param {{ pool: MAX kernel_size: {kernel} stride: {stride} }}"
        )

    def lrn(self, name: str) -> None:
        self.layer("LRN", name, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")

    def product(self, name: str, outputs: int, axis: int = 1) -> None:
        self.layer(
            "InnerProduct",
            name,
            f"inner_product_param {{ num_output: {outputs} axis: {axis} {FILLER} }}",
        )

    def dropout(self, name: str) -> None:
        self.layer("Dropout", name, "dropout_param { dropout_ratio: 0.5 }", top=self.top)

    def lstm(self, name: str, outputs: int, bottom: str) -> None:
        self.layer(
            "LSTM", name, f"recurrent_param {{ num_output: {outputs} {UNIFORM} }}", bottom=bottom
        )

    def loss(self, axis: int = 1) -> None:
        rest = f"softmax_param {{ axis: {axis} }}"
        self.layer("SoftmaxWithLoss", "loss", rest, bottom=f"{self.top},label")

    def trunk(self) -> None:
        """CaffeNet up to fc6."""
        self.top = "data"
        self.conv("conv1", 96, 11, "stride: 4")
        self.relu("relu1")
        self.pool("pool1")
        self.lrn("norm1")
        self.conv("conv2", 256, 5, "pad: 2 group: 2")
        self.relu("relu2")
        self.pool("pool2")
        self.lrn("norm2")
        self.conv("conv3", 384, 3, "pad: 1")
        self.relu("relu3")
        self.conv("conv4", 384, 3, "pad: 1 group: 2")
        self.relu("relu4")
        self.conv("conv5", 256, 3, "pad: 1 group: 2")
        self.relu("relu5")
        self.pool("pool5")
        self.product("fc6", 4096)
        self.relu("relu6")
        self.dropout("drop6")

    def text(self) -> str:
        return "\n".join(self.lines)


def lenet(batch: int = 64, size: int = 28) -> str:
    net = Definition()
    net.inputs(data=(batch, 1, size, size), label=(batch,))
    net.top = "data"
    net.conv("conv1", 20, 5)
    net.pool("pool1", 2)
    net.conv("conv2", 50, 5)
    net.pool("pool2", 2)
    net.product("ip1", 500)
    net.relu("relu1")
    net.product("ip2", 10)
    net.loss()
    return net.text()


def caffenet(batch: int = 256, size: int = 227) -> str:
    net = Definition()
    net.inputs(data=(batch, 3, size, size), label=(batch,))
    net.trunk()
    net.product("fc7", 4096)
    net.relu("relu7")
    net.dropout("drop7")
    net.product("fc8", 1000)
    net.loss()
    return net.text()


def activity(steps: int = 16, clips: int = 24, size: int = 227) -> str:
    """LRCN for activity recognition: CaffeNet to fc6 for every frame, an LSTM over time."""
    net = Definition()
    frames = steps * clips
    net.inputs(data=(frames, 3, size, size), cont=(steps, clips), label=(steps, clips))
    net.trunk()
    net.layer(
        "Reshape", "steps", f"reshape_param {{ shape {{ dim: {steps} dim: {clips} dim: -1 }} }}"
    )
    net.lstm("lstm1", 256, "steps,cont")
    net.dropout("drop-lstm")
    net.product("scores", 101, axis=2)
    net.loss(axis=2)
    return net.text()


def captioner(steps: int = 20, streams: int = 100, words: int = 8801, hidden: int = 1000) -> str:
    """LRCN's factored two-layer captioner, from image features on."""
    net = Definition()
    net.inputs(
        input=(steps, streams), cont=(steps, streams), image=(streams, hidden),
        label=(steps, streams),
    )  # fmt: skip
    net.layer(
        "Embed",
        "embedding",
        f"embed_param {{ bias_term: false input_dim: {words} num_output: {hidden} {UNIFORM} }}",
        bottom="input",
    )
    net.lstm("lstm1", hidden, "embedding,cont")
    net.lstm("lstm2", hidden, "lstm1,cont,image")
    net.product("predict", words, axis=2)
    net.loss(axis=2)
    return net.text()


def solver_text(definition: str, inputs_seed: int = 1) -> str:
    """A solver definition that contains the net."""
    return (
        'base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 '
        f"random_seed: {inputs_seed} net_param {{ {definition} }}"
    )


def fill_inputs(net: Net, classes: int, seed: int = 0) -> dict[str, numpy.ndarray]:
    """Fill every input with random numbers, labels or ids within range; returns them by name."""
    rng = numpy.random.default_rng(seed)
    given = {}
    for name in net.inputs:
        shape = net.blobs[name].shape
        if name in ("label", "input"):
            values: Any = rng.integers(0, classes, shape)
        elif name == "cont":
            values = numpy.ones(shape)
            values[0] = 0
        else:
            values = rng.standard_normal(shape)
        given[name] = values.astype("float32")
        net.blobs[name].data[...] = net.ops.asarray(given[name])
    return given


def operations(net: Net) -> dict[str, float]:
    """Floating-point operations of one forward pass: of convolutions, and of other products."""
    counts = {"convolution": 0.0, "product": 0.0}
    for layer, bottom, top in zip(net.layers, net.bottom_vecs, net.top_vecs, strict=True):
        kind = "convolution" if layer.type == "Convolution" else "product"
        counts[kind] += 2.0 * layer.multiply_adds(bottom, top)
    return counts


def parse_net(definition: str) -> Any:
    return text.parse(definition, schema.NetParameter)

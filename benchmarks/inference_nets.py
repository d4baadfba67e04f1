"""Definitions of six well-known nets for `inference.py`, as in their papers, with one input."""

from collections.abc import Callable


class Writer:
    """Collects layers; each method returns the name of its top."""

    def __init__(self, batch: int, size: int) -> None:
        self.lines: list[str] = []
        dims = " ".join(f"dim: {d}" for d in (batch, 3, size, size))
        self.layer("Input", "data", (), f"input_param {{ shape {{ {dims} }} }}")

    def layer(self, kind: str, name: str, bottoms: tuple[str, ...], more: str = "") -> str:
        names = "".join(f' bottom: "{b}"' for b in bottoms)
        self.lines.append(f'layer {{ name: "{name}" type: "{kind}"{names} top: "{name}" {more} }}')
        return name

    def in_place(self, kind: str, name: str, blob: str, more: str = "") -> str:
        names = f'bottom: "{blob}" top: "{blob}"'
        self.lines.append(f'layer {{ name: "{name}" type: "{kind}" {names} {more} }}')
        return blob

    def conv(
        self, name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0,
        more: str = "", relu: bool = True, norm: bool = False,
    ) -> str:  # fmt: skip
        sizes = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad}"
        bias = "bias_term: false" if norm else ""
        self.layer("Convolution", name, (bottom,), f"convolution_param {{ {sizes} {bias} {more} }}")
        if norm:
            self.in_place("BatchNorm", f"{name}_bn", name)
            self.in_place("Scale", f"{name}_scale", name, "scale_param { bias_term: true }")
        return self.in_place("ReLU", f"{name}_relu", name) if relu else name

    def pool(
        self, name: str, bottom: str, kernel: int, stride: int, pad: int = 0, how: str = "MAX"
    ) -> str:
        sizes = f"kernel_size: {kernel} stride: {stride} pad: {pad}"
        return self.layer("Pooling", name, (bottom,), f"pooling_param {{ pool: {how} {sizes} }}")

    def mean(self, name: str, bottom: str) -> str:
        return self.layer(
            "Pooling", name, (bottom,), "pooling_param { pool: AVE global_pooling: true }"
        )

    def lrn(self, name: str, bottom: str) -> str:
        return self.layer(
            "LRN", name, (bottom,), "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
        )

    def product(self, name: str, bottom: str, outputs: int, relu: bool = False) -> str:
        self.layer(
            "InnerProduct", name, (bottom,), f"inner_product_param {{ num_output: {outputs} }}"
        )
        return self.in_place("ReLU", f"{name}_relu", name) if relu else name

    def end(self, scores: str) -> str:
        self.layer("Softmax", "prob", (scores,))
        return "\n".join(self.lines)


def caffenet(batch: int) -> str:
    w = Writer(batch, 227)
    x = w.pool("pool1", w.conv("conv1", "data", 96, 11, 4), 3, 2)
    x = w.conv("conv2", w.lrn("norm1", x), 256, 5, pad=2, more="group: 2")
    x = w.lrn("norm2", w.pool("pool2", x, 3, 2))
    x = w.conv("conv3", x, 384, 3, pad=1)
    x = w.conv("conv4", x, 384, 3, pad=1, more="group: 2")
    x = w.conv("conv5", x, 256, 3, pad=1, more="group: 2")
    x = w.pool("pool5", x, 3, 2)
    for name in ("fc6", "fc7"):
        x = w.in_place("Dropout", f"drop_{name}", w.product(name, x, 4096, relu=True))
    return w.end(w.product("fc8", x, 1000))


def googlenet(batch: int) -> str:
    w = Writer(batch, 224)
    x = w.lrn("norm1", w.pool("pool1", w.conv("conv1", "data", 64, 7, 2, 3), 3, 2))
    x = w.conv("conv2", w.conv("conv2_reduce", x, 64, 1), 192, 3, pad=1)
    x = w.pool("pool2", w.lrn("norm2", x), 3, 2)
    modules = {
        "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }  # fmt: skip
    for name, (one, reduce3, three, reduce5, five, project) in modules.items():
        if name in ("4a", "5a"):
            x = w.pool(f"pool_{name}", x, 3, 2)
        a = w.conv(f"{name}_1x1", x, one, 1)
        b = w.conv(f"{name}_3x3", w.conv(f"{name}_3x3_reduce", x, reduce3, 1), three, 3, pad=1)
        c = w.conv(f"{name}_5x5", w.conv(f"{name}_5x5_reduce", x, reduce5, 1), five, 5, pad=2)
        d = w.conv(f"{name}_project", w.pool(f"{name}_pool", x, 3, 1, 1), project, 1)
        x = w.layer("Concat", f"{name}_out", (a, b, c, d))
    x = w.in_place("Dropout", "drop", w.pool("pool5", x, 7, 1, how="AVE"))
    return w.end(w.product("fc", x, 1000))


def vgg16(batch: int) -> str:
    w, x = Writer(batch, 224), "data"
    for stage, (outputs, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        for i in range(count):
            x = w.conv(f"conv{stage}_{i + 1}", x, outputs, 3, pad=1)
        x = w.pool(f"pool{stage}", x, 2, 2)
    for name in ("fc6", "fc7"):
        x = w.in_place("Dropout", f"drop_{name}", w.product(name, x, 4096, relu=True))
    return w.end(w.product("fc8", x, 1000))


def squeezenet(batch: int) -> str:
    """SqueezeNet 1.0."""
    w = Writer(batch, 227)
    x = w.pool("pool1", w.conv("conv1", "data", 96, 7, 2), 3, 2)
    sizes = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
    for number, squeeze in sizes.items():
        s = w.conv(f"fire{number}_squeeze", x, squeeze, 1)
        a = w.conv(f"fire{number}_1x1", s, 4 * squeeze, 1)
        b = w.conv(f"fire{number}_3x3", s, 4 * squeeze, 3, pad=1)
        x = w.layer("Concat", f"fire{number}", (a, b))
        if number in (4, 8):
            x = w.pool(f"pool{number}", x, 3, 2)
    x = w.conv("conv10", w.in_place("Dropout", "drop", x), 1000, 1)
    return w.end(w.mean("pool10", x))


def resnet50(batch: int) -> str:
    w = Writer(batch, 224)
    x = w.pool("pool1", w.conv("conv1", "data", 64, 7, 2, 3, norm=True), 3, 2)
    for stage, (width, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for i in range(count):
            name, stride = f"res{stage}{'abcdef'[i]}", 2 if stage > 2 and i == 0 else 1
            short = x
            if i == 0:
                short = w.conv(f"{name}_1", x, 4 * width, 1, stride, relu=False, norm=True)
            y = w.conv(f"{name}_2a", x, width, 1, stride, norm=True)
            y = w.conv(f"{name}_2b", y, width, 3, pad=1, norm=True)
            y = w.conv(f"{name}_2c", y, 4 * width, 1, relu=False, norm=True)
            x = w.in_place("ReLU", f"{name}_relu", w.layer("Eltwise", name, (short, y)))
    return w.end(w.product("fc1000", w.pool("pool5", x, 7, 1, how="AVE"), 1000))


def mobilenet(batch: int) -> str:
    """MobileNet v1, width 1."""
    w = Writer(batch, 224)
    x, channels = w.conv("conv1", "data", 32, 3, 2, 1, norm=True), 32
    rows = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5)
    for i, (outputs, stride) in enumerate((*rows, (1024, 2), (1024, 1)), 2):
        x = w.conv(f"conv{i}_dw", x, channels, 3, stride, 1, f"group: {channels}", norm=True)
        x = w.conv(f"conv{i}_sep", x, outputs, 1, norm=True)
        channels = outputs
    return w.end(w.conv("fc7", w.mean("pool6", x), 1000, 1, relu=False))


NETS: dict[str, Callable[[int], str]] = {
    "CaffeNet": caffenet,
    "GoogLeNet": googlenet,
    "VGG-16": vgg16,
    "SqueezeNet": squeezenet,
    "ResNet-50": resnet50,
    "MobileNet": mobilenet,
}

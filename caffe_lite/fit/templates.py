"""The nets that `fit` knows by name, from the blob "data" to the blob "score".

Each fits images of its `size`; LeNet, SqueezeNet and ResNet also take small ones, of 20 to 64
pixels, with a first layer that does not shrink them.

Sources: Y. LeCun et al. 1998; A. Krizhevsky et al. 2012 in BVLC's version (CaffeNet); F. Iandola et
al. 2016 (SqueezeNet 1.1); K. He et al. 2016 (ResNet-18).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from caffe_lite.fit.layers import Layers
from caffe_lite.types import NetParameter

SMALL = 64  # pixels
SCORES = ("score", "score_map")  # the layers with an output for each class
Build = Callable[[Layers, bool, int], str]


@dataclass(frozen=True)
class Template:
    """How a net is made and trained.

    `size` is the size of the whole images and `crop` that of the input, in pixels, for images that
    are not small; `rate` the learning rate from scratch. `build` takes the layers, whether images
    are small, and the number of classes.
    """

    build: Build
    size: int
    crop: int
    rate: float
    takes_small: bool = True


def body(name: str, classes: int, small: bool, fresh: float = 1.0) -> NetParameter:
    """The layers of the template `name` that compute "score" (N, classes) from "data".

    The layer that scores learns `fresh` times as fast as the others.
    """
    layers = Layers(name)
    TEMPLATES[name].build(layers, small, classes)
    for layer in layers.net.layer:
        if layer.name in SCORES:
            for spec in layer.param:
                spec.lr_mult *= fresh
    return layers.net


def _lenet(layers: Layers, small: bool, classes: int) -> str:
    x = layers.relu(layers.conv("conv1", "data", 32, 5, pad=2))
    x = layers.pool("pool1", x, 2, 2)
    x = layers.relu(layers.conv("conv2", x, 64, 5, pad=2))
    x = layers.pool("pool2", x, 2, 2)
    x = layers.dropout(layers.relu(layers.full("ip1", x, 256)))
    return layers.full("score", x, classes)


def _caffenet(layers: Layers, small: bool, classes: int) -> str:
    x = layers.pool("pool1", layers.relu(layers.conv("conv1", "data", 96, 11, 4)), 3, 2)
    x = layers.lrn("norm1", x)
    x = layers.pool("pool2", layers.relu(layers.conv("conv2", x, 256, 5, pad=2, group=2)), 3, 2)
    x = layers.lrn("norm2", x)
    x = layers.relu(layers.conv("conv3", x, 384, 3, pad=1))
    x = layers.relu(layers.conv("conv4", x, 384, 3, pad=1, group=2))
    x = layers.pool("pool5", layers.relu(layers.conv("conv5", x, 256, 3, pad=1, group=2)), 3, 2)
    x = layers.dropout(layers.relu(layers.full("fc6", x, 4096)))
    x = layers.dropout(layers.relu(layers.full("fc7", x, 4096)))
    return layers.full("score", x, classes)


def _squeezenet(layers: Layers, small: bool, classes: int) -> str:
    stride = 1 if small else 2
    x = layers.relu(layers.conv("conv1", "data", 64, 3, stride, pad=int(small)))
    x = layers.pool("pool1", x, 3, 2)
    squeezes = (16, 16, 32, 32, 48, 48, 64, 64)
    for i, squeeze in enumerate(squeezes, 2):
        x = _fire(layers, f"fire{i}", x, squeeze)
        if i in (3, 5):
            x = layers.pool(f"pool{i}", x, 3, 2)
    x = layers.conv("score_map", layers.dropout(x), classes, 1, filler="xavier")
    return layers.average("score", x)


def _fire(layers: Layers, name: str, bottom: str, squeeze: int) -> str:
    x = layers.relu(layers.conv(f"{name}/squeeze1x1", bottom, squeeze, 1))
    one = layers.relu(layers.conv(f"{name}/expand1x1", x, 4 * squeeze, 1))
    three = layers.relu(layers.conv(f"{name}/expand3x3", x, 4 * squeeze, 3, pad=1))
    return layers.add("Concat", f"{name}/concat", one, three).name


def _resnet18(layers: Layers, small: bool, classes: int) -> str:
    if small:
        x = layers.relu(layers.norm(layers.conv("conv1", "data", 64, 3, pad=1, bias=False)))
    else:
        x = layers.relu(layers.norm(layers.conv("conv1", "data", 64, 7, 2, 3, bias=False)))
        x = layers.pool("pool1", x, 3, 2)
    for stage, count in enumerate((64, 128, 256, 512), 2):
        for block in "ab":
            stride = 2 if stage > 2 and block == "a" else 1
            x = _block(layers, f"res{stage}{block}", x, count, stride, stage > 2 and block == "a")
    return layers.full("score", layers.average("pool5", x), classes)


def _block(layers: Layers, name: str, bottom: str, count: int, stride: int, projected: bool) -> str:
    x = layers.conv(f"{name}_conv1", bottom, count, 3, stride, 1, bias=False)
    x = layers.relu(layers.norm(x))
    x = layers.norm(layers.conv(f"{name}_conv2", x, count, 3, 1, 1, bias=False))
    if projected:
        bottom = layers.norm(layers.conv(f"{name}_proj", bottom, count, 1, stride, bias=False))
    return layers.relu(layers.add("Eltwise", name, x, bottom).name)


TEMPLATES = {
    "lenet": Template(_lenet, SMALL, SMALL, 0.02),
    "caffenet": Template(_caffenet, 256, 227, 0.01, takes_small=False),
    "squeezenet": Template(_squeezenet, 256, 227, 0.02),
    "resnet18": Template(_resnet18, 256, 224, 0.05),
}

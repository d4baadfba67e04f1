"""The parts of a caption net: the blobs that take words and images, and the one that predicts."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from caffe_lite.errors import ModelError
from caffe_lite.layers._recurrent import RecurrentLayer
from caffe_lite.nets.net import Net

Range = tuple[int, int]  # positions of layers, both included


@dataclass(frozen=True)
class CaptionNet:
    """A deploy net that predicts the next word of each stream, and its blobs by name.

        words (T, N), cont (T, N), [image (N, ...)] -> probs (T, N, vocabulary size)

    Layers that do not depend on words (`image_layers`) compute the blobs `features`, which the
    other layers (`word_layers`) read. Input layers are in neither list.

    A sequence-to-sequence net, such as S2VT's, has one more input, `stage` (T, N): 0 while it
    encodes the frames of a video, which `image` then takes one per step, and 1 while it decodes
    words. All its layers are word layers.
    """

    net: Net
    words: str
    cont: str
    image: str | None
    stage: str | None
    probs: str
    size: int
    image_layers: list[Range]
    word_layers: list[Range]
    features: list[str]
    recurrent: list[RecurrentLayer]

    @property
    def embed(self) -> Any:
        return next(layer for layer in self.net.layers if layer.type == "Embed")


def examine(net: Net) -> CaptionNet:
    """Find the parts of `net` by the types of its layers.

    Raises ModelError if it is not such a predictor or its recurrent layers expose their states.
    """
    origins = _origins(net)
    embed = [layer for layer in net.layers if layer.type == "Embed"]
    recurrent = [layer for layer in net.layers if isinstance(layer, RecurrentLayer)]
    if len(embed) != 1 or not recurrent:
        raise _fail(
            net,
            "a caption net reads word ids through one Embed layer and has LSTM or RNN "
            f"layers, this one has {len(embed)} and {len(recurrent)}",
        )
    for layer in recurrent:
        if layer.expose_hidden:
            raise layer.fail(
                "expose_hidden: true is not supported in a caption net; the layer must carry its "
                "own state"
            )
    words = origins[net.bottom_names[embed[0].name][0]]
    conts = {origins[net.bottom_names[layer.name][1]] for layer in recurrent}
    if len(conts) != 1 or not {words, *conts} <= set(net.inputs):
        raise _fail(
            net,
            "the word ids and one blob of sequence indicators must be inputs of the net, got "
            f"{words} and {', '.join(sorted(conts))}; its inputs are {', '.join(net.inputs)}",
        )
    (cont,) = conts
    stage = _stage(net, words, cont)
    images = [name for name in net.inputs if name not in (words, cont, stage)]
    if len(images) > 1 or (stage and not images):
        raise _fail(
            net,
            f"besides {words} and {cont} it may have one input for the image, or two, frames and "
            f"their stage of shape {net.blobs[cont].shape}; it has "
            f"{', '.join(name for name in net.inputs if name not in (words, cont))}",
        )
    probs = _probabilities(net)
    reached = {words, cont, stage, images[0]} if stage else {words, cont}
    return CaptionNet(
        net,
        words,
        cont,
        images[0] if images else None,
        stage,
        probs,
        net.blobs[probs].shape[-1],
        *_halves(net, reached),
        recurrent,
    )


def _stage(net: Net, words: str, cont: str) -> str | None:
    """The input that says whether a step encodes or decodes, if the net has one."""
    shape = net.blobs[cont].shape
    found = [
        name
        for name in net.inputs
        if name not in (words, cont) and net.blobs[name].shape in (shape, (*shape, 1))
    ]
    return found[0] if len(found) == 1 and len(net.inputs) == 4 else None


def _origins(net: Net) -> dict[str, str]:
    """The name of each blob before Split layers were inserted."""
    origins = {name: name for name in net.blobs}
    for node in net.wiring.nodes:
        if node.param.type == "Split":
            for name in node.param.top:
                origins[name] = origins[node.param.bottom[0]]
    return origins


def _probabilities(net: Net) -> str:
    softmax = [
        name
        for layer in net.layers
        if layer.type == "Softmax"
        for name in net.top_names[layer.name]
    ]
    if len(softmax) != 1:
        raise _fail(
            net,
            "a caption net needs one Softmax layer, which computes the probabilities of the next "
            f"word; this one has {len(softmax)}; use its deploy definition",
        )
    if len(net.blobs[softmax[0]].shape) != 3:
        raise _fail(
            net,
            f"{softmax[0]} must have shape (T, N, vocabulary size), got "
            f"{net.blobs[softmax[0]].shape}; set axis: 2 for the layers above the "
            "LSTM",
        )
    return softmax[0]


def _halves(net: Net, sentence: set[str]) -> tuple[list[Range], list[Range], list[str]]:
    """Layers of the image, layers of words, and the blobs that the latter read from the former."""
    reached = {name for name in net.blobs if name in sentence}
    image_layers, word_layers, features = [], [], []
    for i, node in enumerate(net.wiring.nodes):
        if node.param.type == "Input":
            continue
        bottoms = [net.wiring.blob_names[b] for b in node.bottom]
        if reached.isdisjoint(bottoms):
            image_layers.append(i)
            continue
        word_layers.append(i)
        features += [name for name in bottoms if name not in reached]
        reached.update(net.wiring.blob_names[t] for t in node.top)
    return ranges(image_layers), ranges(word_layers), list(dict.fromkeys(features))


def ranges(positions: Iterable[int]) -> list[Range]:
    """Group sorted positions into runs of consecutive ones."""
    runs = [
        [i for _, i in run]
        for _, run in groupby(enumerate(positions), lambda pair: pair[1] - pair[0])
    ]
    return [(run[0], run[-1]) for run in runs]


def _fail(net: Net, text: str) -> ModelError:
    return ModelError(f'net "{net.name}": {text}')

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
    other layers (`word_layers`) read. Input layers are in neither list. `scoring_layers` are the
    word layers without the Softmax, whose bottom is `scores` and whose top is `probs`.

    A sequence-to-sequence net, such as S2VT's, has one more input, `stage` (T, N): 0 while it
    encodes the frames of a video, which `image` then takes one per step, and 1 while it decodes
    words. All its layers are word layers.
    """

    net: Net
    words: str
    cont: str
    image: str | None
    stage: str | None
    scores: str
    probs: str
    size: int
    image_layers: list[Range]
    word_layers: list[Range]
    scoring_layers: list[Range]
    features: list[str]
    recurrent: list[RecurrentLayer]

    @property
    def embed(self) -> Any:
        return next(layer for layer in self.net.layers if layer.type == "Embed")


def examine(net: Net) -> CaptionNet:
    """Find the parts of `net` by the types of its layers.

    Raises ModelError if it is not such a predictor or its recurrent layers expose their states.
    """
    origins = original_names(net)
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
    softmax = _softmax(net)
    (scores,), (probs,) = net.bottom_names[softmax], net.top_names[softmax]
    reached = {words, cont, stage, images[0]} if stage else {words, cont}
    return CaptionNet(
        net,
        words,
        cont,
        images[0] if images else None,
        stage,
        scores,
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


def original_names(net: Net) -> dict[str, str]:
    """The name of each blob before Split layers were inserted."""
    origins = {name: name for name in net.blobs}
    for node in net.wiring.nodes:
        if node.param.type == "Split":
            for name in node.param.top:
                origins[name] = origins[node.param.bottom[0]]
    return origins


def _softmax(net: Net) -> str:
    """The name of the layer that computes the probabilities."""
    softmax = [layer for layer in net.layers if layer.type == "Softmax"]
    if len(softmax) != 1:
        raise _fail(
            net,
            "a caption net needs one Softmax layer, which computes the probabilities of the next "
            f"word; this one has {len(softmax)}; use its deploy definition",
        )
    (top,) = net.top_names[softmax[0].name]
    shape, axis = net.blobs[top].shape, softmax[0].param.softmax_param.axis
    if len(shape) != 3 or axis not in (2, -1):
        of_axis = f" with softmax over axis {axis}" if len(shape) == 3 else ""
        raise _fail(
            net,
            f"{top} must have shape (T, N, vocabulary size), got {shape}{of_axis}; set axis: 2 for "
            "the layers above the LSTM",
        )
    return softmax[0].name


def _halves(
    net: Net, sentence: set[str]
) -> tuple[list[Range], list[Range], list[Range], list[str]]:
    """Image, word and scoring layers, and the blobs that the latter two read from the first."""
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
    scoring = [i for i in word_layers if net.layers[i].type != "Softmax"]
    return (
        ranges(image_layers),
        ranges(word_layers),
        ranges(scoring),
        list(dict.fromkeys(features)),
    )


def ranges(positions: Iterable[int]) -> list[Range]:
    """Group sorted positions into runs of consecutive ones."""
    runs = [
        [i for _, i in run]
        for _, run in groupby(enumerate(positions), lambda pair: pair[1] - pair[0])
    ]
    return [(run[0], run[-1]) for run in runs]


def _fail(net: Net, text: str) -> ModelError:
    return ModelError(f'net "{net.name}": {text}')

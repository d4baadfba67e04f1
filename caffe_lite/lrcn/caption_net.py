"""What the parts of a caption net are: which blobs take words and images, which give words."""

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

    Layers that no word reaches depend on the image alone (`image_layers`); the others
    (`word_layers`) take what those compute from the blobs `features`. An Input layer is in neither.
    """

    net: Net
    words: str
    cont: str
    image: str | None
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
    """Tell the parts of `net` apart by its layers' types.

    Raises ModelError for a net that is no such predictor, or whose recurrent layers expose their
    states.
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
                "expose_hidden: true is not for captions: the layer must carry its state itself"
            )
    words = origins[net.bottom_names[embed[0].name][0]]
    conts = {origins[net.bottom_names[layer.name][1]] for layer in recurrent}
    if len(conts) != 1 or not {words, *conts} <= set(net.inputs):
        raise _fail(
            net,
            "word ids and one blob of sequence indicators must be its inputs, got "
            f"{words} and {', '.join(sorted(conts))} of the inputs "
            f"{', '.join(net.inputs)}",
        )
    (cont,) = conts
    images = [name for name in net.inputs if name not in (words, cont)]
    if len(images) > 1:
        raise _fail(
            net,
            f"besides {words} and {cont} it must have one input at most, the image; "
            f"it has {', '.join(images)}",
        )
    probs = _probabilities(net)
    return CaptionNet(
        net,
        words,
        cont,
        images[0] if images else None,
        probs,
        net.blobs[probs].shape[-1],
        *_halves(net, {words, cont}),
        recurrent,
    )


def _origins(net: Net) -> dict[str, str]:
    """Each blob's name before the net split it for several layers."""
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
            "a caption net gives the words' probabilities by one Softmax layer, this "
            f"one has {len(softmax)}; use its deploy definition",
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
    """Layers of the image, layers of words, and the blobs that the former hand to the latter."""
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
    return _ranges(image_layers), _ranges(word_layers), list(dict.fromkeys(features))


def _ranges(positions: Iterable[int]) -> list[Range]:
    """Runs of consecutive positions."""
    runs = [
        [i for _, i in run]
        for _, run in groupby(enumerate(positions), lambda pair: pair[1] - pair[0])
    ]
    return [(run[0], run[-1]) for run in runs]


def _fail(net: Net, text: str) -> ModelError:
    return ModelError(f'net "{net.name}": {text}')

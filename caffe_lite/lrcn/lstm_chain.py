"""Caption nets that are a chain of LSTM layers, whose parts can be run separately."""

from dataclasses import dataclass
from typing import Any

from caffe_lite.layers.lstm import LSTM
from caffe_lite.lrcn.caption_net import CaptionNet, original_names

Array = Any


@dataclass(frozen=True)
class Link:
    """An LSTM layer, and the blob of its static input, if it has one."""

    layer: LSTM
    static: str | None


@dataclass(frozen=True)
class LstmChain:
    """words -> Embed -> LSTM ... LSTM -> InnerProduct -> Softmax.

    The `leading` LSTM layers, before the first with a static input, do not depend on the image.
    """

    embed: Any
    leading: list[Link]
    others: list[Link]
    predict: Any

    @property
    def is_transposed(self) -> bool:
        """Whether the weights of `predict` are (H, words) instead of (words, H)."""
        return self.predict.param.inner_product_param.transpose

    @property
    def words(self) -> int:
        """The size of the vocabulary."""
        return self.predict.blobs[0].shape[int(self.is_transposed)]


def find_chain(parts: CaptionNet) -> LstmChain | None:
    """The chain that the net's scoring layers make, or None for any other net."""
    net, origins = parts.net, original_names(parts.net)
    current, embed, links, predict = parts.words, None, list[Link](), None
    for start, end in parts.scoring_layers:
        for layer in net.layers[start : end + 1]:
            bottoms = [origins[name] for name in net.bottom_names[layer.name]]
            if layer.type == "Split":
                continue
            if predict is not None or bottoms[0] != current:
                return None
            if layer.type == "Embed" and embed is None:
                embed = layer
            elif isinstance(layer, LSTM) and embed is not None and bottoms[1] == parts.cont:
                static = net.bottom_names[layer.name][2] if len(bottoms) == 3 else None
                if static is not None and static not in parts.features:
                    return None
                links.append(Link(layer, static))
            elif layer.type == "InnerProduct" and links:
                predict = layer
            elif layer.type != "Dropout":  # which passes its input through in the TEST phase
                return None
            current = net.top_names[layer.name][0]
    places = [i for i, link in enumerate(links) if link.static is not None]
    if predict is None or not places or current != origins[parts.scores]:
        return None
    return LstmChain(embed, links[: places[0]], links[places[0] :], predict)


def embed_words(layer: Any, words: Array, ops: Any) -> Array:
    """The rows of an Embed layer's table for `words` (n,) int32."""
    table = layer.blobs[0].data
    rows = ops.empty((len(words), table.shape[1]))
    ops.take(table, words, rows)
    if len(layer.blobs) > 1:
        ops.add_bias(rows, layer.blobs[1].data)
    return rows


def input_product(layer: LSTM, x: Array, ops: Any) -> Array:
    """W_xc x + b_c of inputs (n, D): (n, 4 H)."""
    weight = layer.blobs[0].data
    product = ops.empty((len(x), len(weight)))
    ops.gemm(x, weight, product, trans_b=True)
    ops.add_bias(product, layer.blobs[1].data)
    return product


def static_product(layer: LSTM, features: Array, ops: Any) -> Array:
    """W_xc_static x_static of features (n, D_s): (n, 4 H)."""
    weight = layer.blobs[2].data
    product = ops.empty((len(features), len(weight)))
    ops.gemm(features.reshape(len(features), -1), weight, product, trans_b=True)
    return product


def lstm_step(
    layer: LSTM, gates: Array, before: tuple[Array, Array] | None, ops: Any
) -> tuple[Array, Array]:
    """h and c (n, H) after a step from `before`, or from the beginning of the sentences.

    `gates` (n, 4 H) are the products of the inputs; they are overwritten.
    """
    shape = (len(gates), gates.shape[1] // 4)
    c, h = ops.empty(shape), ops.empty(shape)
    if before is None:
        ops.lstm_unit(gates, ops.zeros(shape), ops.zeros(shape[:1]), c, h)
    else:
        ops.gemm(before[0], layer.blobs[layer.w_hidden].data, gates, trans_b=True, accumulate=True)
        ones = ops.zeros(shape[:1])
        ones[...] = 1
        ops.lstm_unit(gates, before[1], ones, c, h)
    return h, c

"""Log-probabilities of many sentences given many images, computing what they share only once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from caffe_lite.lrcn.lstm_chain import (
    LstmChain,
    embed_words,
    input_product,
    lstm_step,
    static_product,
)
from caffe_lite.lrcn.next_words import NextWords
from caffe_lite.lrcn.sentence_tree import SentenceTree, build_tree

Array = Any
State = tuple[Array, Array]  # h and c
Report = Callable[[int, int], None]  # (image, sentence) pairs scored, of how many

_CHUNK = 5000  # sentences whose input products are held in memory at the same time
_ROWS = 1024  # of a step's matrices: images are batched until there are about as many
_SCORES = 1 << 22  # values of the vocabulary's scores in one block


class SentenceScorer:
    """Scores a fixed set of `sentences`, ids, for images, with a chain of LSTM layers.

    Sentences with the same beginning share its steps. The layers that do not depend on the image,
    and the input products of the first that does, are computed once per beginning; the products of
    the image's features once per image. The scores of the vocabulary are computed in blocks, of
    which only the targets and the log-sum-exp are kept.
    """

    def __init__(
        self, chain: LstmChain, ops: Any, source: str, sentences: Sequence[Sequence[int]]
    ) -> None:
        self.chain, self.ops, self.source = chain, ops, source
        self.count = len(sentences)
        order = sorted(range(self.count), key=lambda i: list(sentences[i]))
        self._chunks = [order[i : i + _CHUNK] for i in range(0, self.count, _CHUNK)]
        self._sentences = sentences
        self._prepared: tuple[int, SentenceTree, list[Array]] | None = None

    def score(self, features: dict[str, Array], report: Report = lambda *_: None) -> np.ndarray:
        """log P(sentence | image), (images, sentences) float64.

        `features` holds the static inputs of the LSTM layers, (images, ...) each.
        """
        images = len(next(iter(features.values())))
        matrix = np.empty((images, self.count))
        statics: list[Array | None] = []
        for layer, name in ((link.layer, link.static) for link in self.chain.others):
            given = None if name is None else static_product(layer, features[name], self.ops)
            statics.append(given)
        done = 0
        for number, members in enumerate(self._chunks):
            tree, products = self._prepare(number)
            at_once = max(1, _ROWS // max(len(level.words) for level in tree.levels))
            for first in range(0, images, at_once):
                mine = slice(first, min(first + at_once, images))
                batch = [None if each is None else each[mine] for each in statics]
                scores = tree.sum(self._run(tree, products, batch))
                matrix[mine, members] = scores
                done += scores.size
                report(done, matrix.size)
        return matrix

    def _prepare(self, number: int) -> tuple[SentenceTree, list[Array]]:
        """The tree of a chunk, and per level the input products of the first LSTM with an image."""
        if self._prepared is None or self._prepared[0] != number:
            self._prepared = None  # frees its memory first
            tree = build_tree([self._sentences[i] for i in self._chunks[number]])
            self._prepared = (number, tree, self._products(tree))
        return self._prepared[1:]

    def _products(self, tree: SentenceTree) -> list[Array]:
        states: list[State | None] = [None] * len(self.chain.leading)
        products = []
        for level in tree.levels:
            parents = self._indices(level.parents)
            x = embed_words(self.chain.embed, self._indices(level.words), self.ops)
            for k, link in enumerate(self.chain.leading):
                gates = input_product(link.layer, x, self.ops)
                before = self._gather(states[k], 1, parents)
                x, c = lstm_step(link.layer, gates, before, self.ops)
                states[k] = (x, c)
            products.append(input_product(self.chain.others[0].layer, x, self.ops))
        return products

    def _run(
        self, tree: SentenceTree, products: list[Array], statics: list[Array | None]
    ) -> list[np.ndarray]:
        """Per level, the log-probabilities (images, edges) of the words at its edges."""
        images = next(len(each) for each in statics if each is not None)
        states: list[State | None] = [None] * len(statics)
        found = []
        for level, product in zip(tree.levels, products, strict=True):
            nodes, parents = len(level.words), self._indices(level.parents)
            x: Array = None
            for k, (link, static) in enumerate(zip(self.chain.others, statics, strict=True)):
                if k == 0:
                    gates = self.ops.empty((images, nodes, product.shape[1]))
                    gates[...] = product
                else:
                    gates = input_product(link.layer, x, self.ops).reshape(images, nodes, -1)
                if static is not None:
                    gates += static[:, None]
                before = self._gather(states[k], images, parents)
                rows = gates.reshape(images * nodes, -1)
                x, c = lstm_step(link.layer, rows, before, self.ops)
                states[k] = (x, c)
            found.append(self._of_edges(x, images, level.nodes, level.targets))
        return found

    def _gather(self, state: State | None, images: int, parents: Array) -> State | None:
        """The states (images * nodes, H) of each node's parent."""
        if state is None:
            return None
        h, c = (each.reshape(images, -1, each.shape[1])[:, parents] for each in state)
        return h.reshape(-1, h.shape[2]), c.reshape(-1, c.shape[2])

    def _of_edges(
        self, x: Array, images: int, nodes: np.ndarray, targets: np.ndarray
    ) -> np.ndarray:
        """log P of `targets` after the outputs x (images * nodes, H): (images, edges)."""
        per_image = len(x) // images
        rows = (np.arange(images)[:, None] * per_image + nodes).ravel()
        words = np.tile(targets, images)
        log_probs = np.empty(len(rows))
        size = self.chain.words
        step = max(1, _SCORES // size)
        order = np.argsort(rows, kind="stable")
        for first in range(0, len(x), step):
            block = x[first : first + step]
            low, high = np.searchsorted(rows[order], (first, first + len(block)))
            edges = order[low:high]
            scores = NextWords(self.ops, self._scores(block, size), self.source)
            log_probs[edges] = scores.of(words[edges], rows[edges] - first)
        return log_probs.reshape(images, -1)

    def _scores(self, x: Array, size: int) -> Array:
        """The vocabulary's scores (n, words) after outputs x (n, H)."""
        layer = self.chain.predict
        scores = self.ops.empty((len(x), size))
        self.ops.gemm(x, layer.blobs[0].data, scores, trans_b=not self.chain.is_transposed)
        if len(layer.blobs) > 1:
            self.ops.add_bias(scores, layer.blobs[1].data)
        return scores

    def _indices(self, values: np.ndarray) -> Array:
        return self.ops.asarray(values, dtype="int32")

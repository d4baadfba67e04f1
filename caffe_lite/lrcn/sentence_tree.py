"""Sentences as a tree of their beginnings: what sentences have in common is computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.lrcn.vocabulary import END


@dataclass(frozen=True)
class Level:
    """Different beginnings of one length, and the words that follow them.

    `parents` (nodes,) are numbers of nodes of the level before, `words` (nodes,) their last words;
    the first level has one node, the empty beginning. Edge e is the word `targets[e]` after node
    `nodes[e]`.
    """

    parents: np.ndarray
    words: np.ndarray
    nodes: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class SentenceTree:
    """The levels, and for each sentence the number of its edge in each level."""

    levels: list[Level]
    edges: list[list[int]]

    def sum(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """The sum of each sentence's scores: `scores[t]` (..., edges of level t) -> (..., n)."""
        total = np.zeros((*scores[0].shape[:-1], len(self.edges)))
        for t, score in enumerate(scores):
            long = [i for i, edges in enumerate(self.edges) if len(edges) > t]
            total[..., long] += score[..., [self.edges[i][t] for i in long]]
        return total


def build_tree(sentences: Sequence[Sequence[int]]) -> SentenceTree:
    """Build the tree of sentences, non-empty sequences of word ids."""
    levels: list[Level] = []
    edges: list[list[int]] = [[] for _ in sentences]
    at = [0] * len(sentences)  # the node of each sentence in the current level
    parents, words = [0], [END]
    for t in range(max(map(len, sentences))):
        found: dict[tuple[int, int], int] = {}
        for i, sentence in enumerate(sentences):
            if t < len(sentence):
                edges[i].append(found.setdefault((at[i], sentence[t]), len(found)))
        pairs = np.array(list(found)).reshape(-1, 2)
        levels.append(Level(np.array(parents), np.array(words), pairs[:, 0], pairs[:, 1]))
        # Only edges that another word follows become nodes of the next level.
        longer = [i for i, sentence in enumerate(sentences) if t + 1 < len(sentence)]
        going = dict.fromkeys(edges[i][t] for i in longer)
        numbers = {edge: n for n, edge in enumerate(going)}
        for i in longer:
            at[i] = numbers[edges[i][t]]
        parents = [int(pairs[edge, 0]) for edge in going]
        words = [int(pairs[edge, 1]) for edge in going]
    return SentenceTree(levels, edges)

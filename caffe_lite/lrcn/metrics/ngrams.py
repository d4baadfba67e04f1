"""Counts of the n-grams of a tokenized caption."""

from collections import Counter
from collections.abc import Sequence

Tokens = Sequence[str]
Ngrams = Counter[tuple[str, ...]]


def count_ngrams(tokens: Tokens, order: int) -> list[Ngrams]:
    """Count the 1-grams, 2-grams, ... `order`-grams of `tokens`; one Counter each."""
    return [
        Counter(zip(*(tokens[i:] for i in range(n)), strict=False)) for n in range(1, order + 1)
    ]

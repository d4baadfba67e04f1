"""n-grams of a tokenized caption, counted."""

from collections import Counter
from collections.abc import Sequence

Tokens = Sequence[str]
Ngrams = Counter[tuple[str, ...]]


def count_ngrams(tokens: Tokens, order: int) -> list[Ngrams]:
    """Counts of the 1-grams, 2-grams ... `order`-grams of `tokens`, in this order."""
    return [
        Counter(zip(*(tokens[i:] for i in range(n)), strict=False)) for n in range(1, order + 1)
    ]

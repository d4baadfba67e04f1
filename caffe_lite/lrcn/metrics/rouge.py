"""ROUGE-L over a set of captions."""

from collections.abc import Sequence

from caffe_lite.lrcn.metrics.ngrams import Tokens


def rouge_l(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]], beta: float = 1.2
) -> tuple[float, list[float]]:
    """ROUGE-L of tokenized captions, in [0, 1]: the mean over the images, and each image's score.

        F = (1 + beta^2) P R / (R + beta^2 P),    P = LCS / |candidate|,    R = LCS / |reference|

    LCS is the length of the longest common subsequence; P and R are each the maximum over the
    image's references. Lin, 2004, as the COCO caption evaluation computes it.
    """
    each = [
        _score(candidate, its_references, beta)
        for candidate, its_references in zip(candidates, references, strict=True)
    ]
    return sum(each) / len(each), each


def _score(candidate: Tokens, references: Sequence[Tokens], beta: float) -> float:
    # As in the COCO tools, an empty caption counts as one empty word, which avoids 0/0.
    candidate = candidate or [""]
    precision = recall = 0.0
    for reference in references:
        reference = reference or [""]
        common = _common_subsequence(candidate, reference)
        precision = max(precision, common / len(candidate))
        recall = max(recall, common / len(reference))
    if not precision or not recall:
        return 0.0
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)


def _common_subsequence(a: Tokens, b: Tokens) -> int:
    """The length of the longest subsequence that `a` and `b` share."""
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for j, other in enumerate(b, 1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return row[-1]

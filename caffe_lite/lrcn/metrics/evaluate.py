"""All scores of a set of captions."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from caffe_lite.errors import DataError
from caffe_lite.lrcn.metrics.bleu import bleu
from caffe_lite.lrcn.metrics.cider import cider
from caffe_lite.lrcn.metrics.meteor import NAME, meteor
from caffe_lite.lrcn.metrics.rouge import rouge_l
from caffe_lite.lrcn.metrics.tokenizer import tokenize

Image = TypeVar("Image", bound=Hashable)


def evaluate(
    candidates: Mapping[Image, str],
    references: Mapping[Image, Sequence[str]],
    with_meteor: bool = False,
) -> tuple[dict[str, float], dict[Image, dict[str, float]]]:
    """Score one caption per image against its references, as the COCO caption evaluation does.

    Returns the scores of the set and of each image, named "BLEU-1" ... "BLEU-4", "ROUGE-L" and
    "CIDEr" (CIDEr-D, with document frequencies from the images that have candidates), and with
    `with_meteor` "METEOR (exact, stem, synonym)" (see `meteor`). Raises DataError if there are no
    candidates or an image has no references.
    """
    if not candidates:
        raise DataError("no captions to score: give at least one")
    for image in candidates:
        if not references.get(image):
            raise DataError(
                f"image {image!r} has a caption to score and no references; give "
                "it at least one reference"
            )
    mine = [tokenize(candidate) for candidate in candidates.values()]
    theirs = [[tokenize(caption) for caption in references[image]] for image in candidates]
    bleus, each_bleu = bleu(mine, theirs)
    rouge, each_rouge = rouge_l(mine, theirs)
    consensus, each_consensus = cider(mine, theirs)
    each = {
        image: _named(*scores)
        for image, scores in zip(
            candidates, zip(each_bleu, each_rouge, each_consensus, strict=True), strict=True
        )
    }
    scores = _named(bleus, rouge, consensus)
    if with_meteor:
        scores[NAME], each_meteor = meteor(mine, theirs)
        for image, score in zip(candidates, each_meteor, strict=True):
            each[image][NAME] = score
    return scores, each


def _named(bleus: Sequence[float], rouge: float, consensus: float) -> dict[str, float]:
    names = {f"BLEU-{n}": score for n, score in enumerate(bleus, 1)}
    return {**names, "ROUGE-L": rouge, "CIDEr": consensus}

"""Score captions against references: BLEU-1 to BLEU-4, ROUGE-L, CIDEr and METEOR.

The scores equal those of the COCO caption evaluation; Java is not needed. CANDIDATES is the JSON
that `caffe_lite caption --json` prints, or any COCO results file. REFERENCES is a COCO caption
file:

    [{"image_id": 1, "caption": "a dog on a lawn"}, ...]
    {"images": [{"id": 1, "file_name": "1.jpg"}, ...],
     "annotations": [{"image_id": 1, "caption": "A dog runs."}, ...]}

Example:
    caffe_lite score results.json captions_val2014.json
"""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

from caffe_lite.cli import options
from caffe_lite.cli.picture_option import add_picture, check_picture, write_picture

if TYPE_CHECKING:
    from caffe_lite.lrcn.coco import Annotations, ImageId
    from caffe_lite.lrcn.pictures.canvas import Picture

RANKED_BY = "CIDEr"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidates", metavar="CANDIDATES", help="captions to score, one per image")
    parser.add_argument("references", metavar="REFERENCES", help="a COCO caption file")
    add_picture(parser, "the scores as bars, with the best and the worst captions by CIDEr")
    options.add_flag(
        parser,
        "split",
        metavar="NAME",
        help="images to take from REFERENCES in Karpathy's form, such as test",
    )
    options.add_flag(
        parser,
        "meteor",
        action="store_true",
        help="also METEOR with exact matches, stems and synonyms, but without paraphrases, which "
        "the COCO tools also match (extra `meteor`)",
    )
    options.add_flag(
        parser, "json", action="store_true", help="print JSON, with the scores of each image"
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.coco import read_annotations, read_results
    from caffe_lite.lrcn.metrics import evaluate, tokenize

    check_picture(args.picture)
    candidates = read_results(args.candidates)
    annotations = read_annotations(args.references, args.split)
    for image in candidates:
        references = annotations.captions.get(image)
        if not references or not any(map(tokenize, references)):
            lack = "references with words" if references else "references"
            raise DataError(
                f"{args.references}: no {lack} for image {image!r} of "
                f"{args.candidates}; give the captions of the same images"
            )
    scores, each = evaluate(candidates, annotations.captions, args.meteor)
    if args.picture:
        write_picture(args.picture, _draw(args.candidates, candidates, annotations, scores, each))
    if args.json:
        images = [{"image_id": image, **its} for image, its in each.items()]
        print(json.dumps({"scores": scores, "images": images}))
        return 0
    width = max(8, *map(len, scores))
    for name, score in scores.items():
        print(f"{name:{width}} {score:.4f}")
    described = sum(bool(captions) for captions in annotations.captions.values())
    print(f"{len(candidates)} of {described} images with references scored")
    return 0


def _draw(
    source: str,
    candidates: dict[ImageId, str],
    annotations: Annotations,
    scores: dict[str, float],
    each: dict[ImageId, dict[str, float]],
) -> Picture:
    """Scores as bars, and captions ranked by CIDEr."""
    from caffe_lite.lrcn.pictures.score_sheet import Scored, draw_score_sheet

    captions = [
        Scored(
            annotations.files[image],
            each[image][RANKED_BY],
            caption,
            annotations.captions[image],
        )
        for image, caption in candidates.items()
    ]
    title = f"{os.path.basename(source)}  ({len(candidates):,} captions)"
    return draw_score_sheet(title, scores, RANKED_BY, captions)

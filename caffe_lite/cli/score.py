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

import argparse
import json

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidates", metavar="CANDIDATES", help="captions to score, one per image")
    parser.add_argument("references", metavar="REFERENCES", help="a COCO caption file")
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
        help="also METEOR with exact matches and stems but without synonyms and paraphrases, so it "
        "is lower than the COCO tools' (extra `meteor`)",
    )
    options.add_flag(
        parser, "json", action="store_true", help="print JSON, with the scores of each image"
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.coco import read_annotations, read_results
    from caffe_lite.lrcn.metrics import evaluate, tokenize

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

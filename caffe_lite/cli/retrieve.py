"""Find captions for images and images for captions with a caption net.

Every caption is scored by log P(caption | image) with every image, less, as in LRCN's experiment,
the logarithm of its mean probability over the images; else a caption that is likely whatever the
image shows would be found for all of them.

Examples:
    Recall at 1, 5 and 10 and the median rank, both ways, on a COCO caption file:
        caffe_lite retrieve val2014/ --annotations captions_val2014.json --unknown-words unk \\
            --net lrcn_word_to_preds.deploy.prototxt --weights lrcn.caffemodel \\
            --vocabulary vocabulary.txt --image-net bvlc_reference_caffenet/deploy.prototxt
    The photos of a folder that fit a sentence best:
        caffe_lite retrieve photos/ --query "A dog on a beach." --best 3 ...
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from caffe_lite.cli import options
from caffe_lite.cli.caption_options import BATCH, Describer, add_caption_net, find_images

if TYPE_CHECKING:
    import numpy as np

Show = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image files or folders; with --annotations their one folder",
    )
    add(
        parser,
        "annotations",
        metavar="FILE.json",
        help="measure retrieval on the images and captions of this COCO file",
    )
    add(
        parser,
        "query",
        action="append",
        metavar="TEXT",
        help="list the images that fit this caption best; may be given several times",
    )
    add(parser, "best", type=int, default=5, metavar="N", help="images per query (default 5)")
    add_caption_net(parser)
    scores = parser.add_argument_group("how captions are scored")
    add(
        scores,
        "no_normalize",
        action="store_true",
        help="leave the captions' mean probability over the images in",
    )
    add(
        scores,
        "per_word",
        action="store_true",
        help="divide log-probabilities by the number of words",
    )
    add(
        scores,
        "unknown_words",
        choices=("error", "unk"),
        default="error",
        help='what a word that is not in the vocabulary is: an error (default), or "<unk>"',
    )
    add(parser, "json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError

    live = start_log(quiet=True)
    if bool(args.annotations) == bool(args.query):
        raise UsageError("give either --annotations, to measure, or --query, to find images")
    if args.annotations and len(args.images) != 1:
        raise UsageError("--annotations takes one folder, that of the images it names")
    if args.best < 1:
        raise UsageError(f"--best must be positive, got {args.best}")
    (_measure if args.annotations else _find)(args, live.show)
    live.finish()
    return 0


def _measure(args: argparse.Namespace, show: Show) -> None:
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.coco import read_annotations
    from caffe_lite.lrcn.retrieval import retrieve

    annotations = read_annotations(args.annotations)
    images = [image for image, captions in annotations.captions.items() if captions]
    if not images:
        raise DataError(f"{args.annotations}: no image has captions")
    describer = Describer(args)
    paths = [os.path.join(args.images[0], annotations.files[image]) for image in images]
    texts = [text for image in images for text in annotations.captions[image]]
    image_of = [i for i, image in enumerate(images) for _ in annotations.captions[image]]
    to_caption, to_image = (
        recall.summary()
        for recall in retrieve(
            _scores(args, describer, paths, texts, args.annotations, show), image_of
        )
    )
    if args.json:
        print(
            json.dumps(
                {
                    "images": len(images),
                    "captions": len(texts),
                    "image to caption": to_caption,
                    "caption to image": to_image,
                }
            )
        )
        return
    print(f"{len(images)} images, {len(texts)} captions")
    print(f"{'':16}{'  '.join(f'{name:>11}' for name in to_caption)}")
    for title, summary in (("image to caption", to_caption), ("caption to image", to_image)):
        cells = [
            f"{value:11.4f}" if name.startswith("R@") else f"{value:11.1f}"
            for name, value in summary.items()
        ]
        print(f"{title:16}{'  '.join(cells)}")


def _find(args: argparse.Namespace, show: Show) -> None:
    paths = find_images(args.images)
    scores = _scores(args, Describer(args), paths, args.query, "--query", show)
    found = []
    for query, column in zip(args.query, scores.T, strict=True):
        order = (-column).argsort(kind="stable")[: args.best]
        found.append(
            {
                "query": query,
                "images": [{"image": paths[i], "score": float(column[i])} for i in order],
            }
        )
    if args.json:
        print(json.dumps(found))
        return
    for result in found:
        print(result["query"])
        for image in result["images"]:
            print(f"  {image['score']:9.3f}  {image['image']}")


def _scores(
    args: argparse.Namespace,
    describer: Describer,
    paths: list[str],
    texts: list[str],
    source: str,
    show: Show,
) -> np.ndarray:
    """Scores (images, captions) of all pairs."""
    import numpy as np

    from caffe_lite.errors import DataError, UsageError
    from caffe_lite.lrcn.retrieval import normalize

    if not describer.takes_images:
        raise UsageError(f"the net {args.net} takes no images; retrieval needs one that does")
    if describer.feature_count not in (None, len(paths)):
        raise UsageError(
            f"{args.features} holds the features of {describer.feature_count} images, "
            f"there are {len(paths)}{' with captions' if args.annotations else ''}"
        )
    unknown = "<unk>" if args.unknown_words == "unk" else None
    sentences = []
    for text in texts:
        try:
            ids = describer.captioner.vocabulary.encode(text, unknown)
        except DataError as error:
            raise DataError(
                f'{source}: caption "{text}": {error}; --unknown-words unk takes such '
                "words for <unk>"
            ) from None
        if not ids:
            raise DataError(f'{source}: caption "{text}" has no words')
        sentences.append(ids)
    scores = np.empty((len(paths), len(sentences)))
    for first in range(0, len(paths), BATCH):
        batch = paths[first : first + BATCH]
        scores[first : first + len(batch)] = describer.captioner.score_matrix(
            describer.input_for(batch, first), sentences, args.per_word
        )
        show(f"retrieve: {first + len(batch)} of {len(paths)} images scored")
    return scores if args.no_normalize else normalize(scores)

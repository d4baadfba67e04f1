"""Describe images in words, or tell how likely given captions are.

Takes LRCN's files: a deploy definition that predicts the next word, its weights, the vocabulary
that it was trained with, and the convnet whose features it sees.

Examples:
    The three best captions of two photos:
        caffe_lite caption a.jpg b.jpg --net lrcn_word_to_preds.deploy.prototxt \\
            --weights lrcn.caffemodel --vocabulary vocabulary.txt \\
            --image-net bvlc_reference_caffenet/deploy.prototxt --beam 5 --best 3
    All images of a COCO file, to be scored with `caffe_lite score`:
        caffe_lite caption val2014/ --annotations captions_val2014.json --json ... > results.json
    How likely two captions are about a photo:
        caffe_lite caption a.jpg --score "A dog runs." --score "A cat sleeps." ...
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.caption_options import BATCH, Describer, add_caption_net, find_images

if TYPE_CHECKING:
    from caffe_lite.lrcn.decoding import Caption


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument(
        "images",
        nargs="*",
        metavar="IMAGE",
        help="image files, or folders of images; none for a net without images",
    )
    add(
        parser,
        "annotations",
        metavar="FILE.json",
        help="caption the images of this COCO file, which are in the folder IMAGE",
    )
    add_caption_net(parser)
    decoding = parser.add_argument_group("how captions are found")
    add(
        decoding,
        "beam",
        type=int,
        default=5,
        metavar="N",
        help="hypotheses that beam search keeps; 1 takes the likeliest word each time (default 5)",
    )
    add(decoding, "best", type=int, default=1, metavar="N", help="captions to print (default 1)")
    add(
        decoding,
        "per_word",
        action="store_true",
        help="rank the captions of a beam by log-probability per word",
    )
    add(
        decoding,
        "sample",
        type=int,
        metavar="N",
        help="draw N captions at random in the place of beam search",
    )
    add(
        decoding,
        "temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="of sampling: below 1 favours likely words, above 1 evens them out (default 1)",
    )
    add(
        decoding,
        "seed",
        type=options.natural,
        default=0,
        metavar="N",
        help="of sampling (default 0)",
    )
    add(
        decoding,
        "max_length",
        type=int,
        default=50,
        metavar="N",
        help="words at most, the end counted (default 50)",
    )
    add(
        decoding,
        "score",
        action="append",
        metavar="TEXT",
        help="print the log-probability of this caption instead; may be given several times",
    )
    add(
        decoding,
        "unknown_words",
        choices=("error", "unk"),
        default="error",
        help="what a word of --score that is not in the vocabulary is (default: an error)",
    )
    add(
        parser,
        "json",
        action="store_true",
        help="print JSON: a list with image_id, caption, log_prob and captions of each image",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log

    start_log(quiet=True)
    _check(args)
    describer = Describer(args)
    images = _images(args, describer)
    results = []
    for image, found in _describe(args, describer, [path for _, path in images]):
        captions = [_described(describer, caption) for caption in found]
        if args.json:
            results.append(
                {
                    "image_id": images[image][0],
                    "caption": captions[0]["caption"],
                    "log_prob": captions[0]["log_prob"],
                    "captions": captions,
                }
            )
            continue
        for caption in captions:
            cut = "" if caption["complete"] or args.score else " ..."
            print(
                f"{images[image][1]}: {caption['caption']}{cut}  ({caption['log_prob']:.2f})",
                flush=True,
            )
    if args.json:
        print(json.dumps(results))
    return 0


def _check(args: argparse.Namespace) -> None:
    from caffe_lite.errors import UsageError

    for name in ("beam", "best", "max_length", "sample", "temperature"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            raise UsageError(f"--{name.replace('_', '-')} must be positive, got {value}")
    if args.best > args.beam and args.sample is None:
        raise UsageError(
            f"--best {args.best} needs a --beam of {args.best} at least, it is {args.beam}"
        )
    if args.annotations and len(args.images) != 1:
        raise UsageError("--annotations takes one folder, that of the images it names")


def _images(args: argparse.Namespace, describer: Describer) -> list[tuple[Any, str]]:
    """(image id, path) of each image; the id of an image that no file tells is its name."""
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.coco import read_annotations

    if not describer.takes_images:
        if args.images:
            raise UsageError(f"the net {args.net} takes no images; leave them out")
        return [("", "-")]
    if args.annotations:
        files = read_annotations(args.annotations).files
        images = [(image, os.path.join(args.images[0], name)) for image, name in files.items()]
    else:
        paths = find_images(args.images)
        images = [(os.path.basename(path), path) for path in paths]
    count = describer.feature_count
    if count is not None and not images:
        return [(i, f"{args.features}[{i}]") for i in range(count)]
    if count is not None and count != len(images):
        raise UsageError(
            f"{args.features} holds the features of {count} images, {len(images)} "
            "were named; leave the images out, or name each"
        )
    if not images:
        raise UsageError("no images: name image files, or a folder of them")
    return images


def _describe(
    args: argparse.Namespace,
    describer: Describer,
    paths: list[str],
) -> Iterator[tuple[int, list[Caption]]]:
    """The captions of each image, by its number."""
    captioner = describer.captioner
    sentences = None
    if args.score:
        unknown = "<unk>" if args.unknown_words == "unk" else None
        sentences = [[*captioner.vocabulary.encode(text, unknown), 0] for text in args.score]
    for first in range(0, len(paths), BATCH):
        batch = paths[first : first + BATCH]
        given = describer.input_for(batch, first)
        found: list[list[Caption]]
        if sentences is not None:
            about = [i for i in range(len(batch)) for _ in sentences]
            scored = captioner.score(given, sentences * len(batch), about)
            count = len(sentences)
            found = [scored[i * count : (i + 1) * count] for i in range(len(batch))]
        elif args.sample is not None:
            found = captioner.sample(
                given, args.sample, args.temperature, args.seed, args.max_length, first
            )
        else:
            beams = captioner.beam_search(given, args.beam, args.max_length, args.per_word)
            found = [captions[: args.best] for captions in beams]
        yield from enumerate(found, first)


def _described(describer: Describer, caption: Caption) -> dict[str, Any]:
    return {
        "caption": describer.captioner.text(caption),
        "log_prob": caption.log_prob,
        "log_prob_per_word": caption.log_prob_per_word,
        "complete": caption.is_complete,
    }

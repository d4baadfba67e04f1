"""Caption images and videos, or score given captions.

Takes LRCN's files: a deploy definition that predicts the next word, its weights, the vocabulary
that it was trained with, and the convnet that computes its image features. With the deploy net of a
sequence-to-sequence model (S2VT) each IMAGE is a folder with the frames of one video.

Examples:
    The three best captions of two photos:
        caffe_lite caption a.jpg b.jpg --net lrcn_word_to_preds.deploy.prototxt \\
            --weights lrcn.caffemodel --vocabulary vocabulary.txt \\
            --image-net bvlc_reference_caffenet/deploy.prototxt --beam 5 --best 3
    All images of a COCO file, for `caffe_lite score`:
        caffe_lite caption val2014/ --annotations captions_val2014.json --json ... > results.json
    A contact sheet of a folder of photos, and the same word by word with probabilities:
        caffe_lite caption photos/ --picture sheet.png ...
        caffe_lite caption photos/ --picture words.png --picture-words ...
    The likeliest of 100 samples at the paper's temperature 1.5, which sharpens:
        caffe_lite caption a.jpg --sample 100 --inverse-temperature 1.5 ...
    The log-probabilities of two captions of a photo:
        caffe_lite caption a.jpg --score "A dog runs." --score "A cat sleeps." ...
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.caption_options import (
    BATCH,
    Describer,
    add_caption_net,
    annotated_paths,
    find_images,
    find_videos,
    refuse_twice,
)
from caffe_lite.cli.picture_option import add_picture, check_picture, write_picture
from caffe_lite.cli.unused_options import refuse

if TYPE_CHECKING:
    from caffe_lite.lrcn.decoding import Caption

BEAM, MAX_LENGTH = 5, 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument(
        "images",
        nargs="*",
        metavar="IMAGE",
        help="image files, or folders of images; none for a net without image input",
    )
    add(
        parser,
        "annotations",
        metavar="FILE.json",
        help="caption the images of this COCO file, which are in the folder IMAGE",
    )
    add(
        parser,
        "split",
        metavar="NAME",
        help="images to take from --annotations in Karpathy's form, such as test",
    )
    add_caption_net(parser)
    decoding = parser.add_argument_group("how captions are found: beam search, --sample or --score")
    add(
        decoding,
        "beam",
        type=int,
        metavar="N",
        help=f"beam width; 1 takes the likeliest word at each step (default {BEAM})",
    )
    add(
        decoding,
        "best",
        type=int,
        metavar="N",
        help="captions to print per image, the likeliest first (default 1; with --sample and "
        "--json all samples)",
    )
    add(
        decoding,
        "per_word",
        action="store_true",
        help="rank captions by log-probability per word",
    )
    add(
        decoding,
        "max_length",
        type=int,
        metavar="N",
        help=f"maximum number of words, <EOS> included (default {MAX_LENGTH})",
    )
    add(
        decoding,
        "sample",
        type=int,
        metavar="N",
        help="draw N captions at random and keep the likeliest, instead of beam search",
    )
    add(
        decoding,
        "temperature",
        type=float,
        metavar="T",
        help="sample words with p^(1/T): below 1 sharpens the distribution, above 1 flattens it "
        "(default 1)",
    )
    add(
        decoding,
        "inverse_temperature",
        type=float,
        metavar="X",
        help='sample words with p^X, so X is 1/T: above 1 sharpens; the "temp" of LRCN\'s own '
        "captioner and the paper's temperature",
    )
    add(
        decoding,
        "seed",
        type=options.natural,
        metavar="N",
        help="random seed of --sample (default 0)",
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
        help="how --score treats words that are not in the vocabulary: error (default), or unk to "
        "score <unk> in their place",
    )
    add_picture(parser, "a contact sheet of the images with their captions")
    add(
        parser,
        "picture_words",
        action="store_true",
        help="draw captions word by word in --picture, each with its probability",
    )
    add(
        parser,
        "json",
        action="store_true",
        help="print JSON: a list with image_id, caption, log_prob and captions of each image",
    )
    options.add_no_python_layers(parser)
    options.add_no_optimize(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log

    start_log(quiet=True)
    _check(args)
    describer = Describer(args)
    images = _images(args, describer)
    results, drawn = [], []
    for image, found in _describe(args, describer, [path for _, path in images]):
        captions = [_described(describer, caption) for caption in found]
        if args.picture:
            drawn.append((images[image][1], found))
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
    if args.picture:
        _draw(args, describer, drawn)
    return 0


def _draw(
    args: argparse.Namespace, describer: Describer, found: list[tuple[str, list[Caption]]]
) -> None:
    """Write --picture, from the path and the captions of each image."""
    from caffe_lite.cli.caption_pictures import contact_sheet, word_by_word

    draw = word_by_word if args.picture_words else contact_sheet
    files = bool(args.images)
    results = [
        (os.path.basename(os.path.normpath(path)), path if files else None, captions)
        for path, captions in found
    ]
    write_picture(args.picture, draw(describer.captioner, results))


def _check(args: argparse.Namespace) -> None:
    """Refuse options that contradict each other or that the decoder does not use."""
    from caffe_lite.errors import UsageError

    check_picture(args.picture)
    if args.picture is None:
        refuse(args, ("picture_words",), "without --picture")
    of_samples = ("temperature", "inverse_temperature", "seed")
    of_search = ("beam", "sample", *of_samples, "best", "per_word", "max_length")
    if args.score:
        refuse(args, of_search, "with --score")
    else:
        refuse(args, ("unknown_words",), "without --score")
    if args.sample is not None:
        refuse(args, ("beam",), "with --sample")
    else:
        refuse(args, of_samples, "without --sample")
    for name in of_search:
        value = getattr(args, name)
        if name not in ("seed", "per_word") and value is not None and not 0 < value < math.inf:
            raise UsageError(f"--{name.replace('_', '-')} must be positive, got {value}")
    if args.temperature is not None and args.inverse_temperature is not None:
        raise UsageError(
            "--temperature and --inverse-temperature set the same thing; give one of them"
        )
    width, source = (args.sample, "--sample") if args.sample else (args.beam or BEAM, "--beam")
    if args.best is not None and args.best > width:
        raise UsageError(f"--best {args.best} needs {source} {args.best} or more, got {width}")
    if not args.annotations:
        refuse(args, ("split",), "without --annotations")
    if args.annotations and len(args.images) != 1:
        raise UsageError("--annotations takes one folder, which holds the images of the file")


def _images(args: argparse.Namespace, describer: Describer) -> list[tuple[Any, str]]:
    """(image id, path) of each image; without --annotations the id is the file's name or path."""
    from caffe_lite.errors import UsageError

    if not describer.takes_images:
        if args.images or args.annotations:
            raise UsageError(f"the net {args.net} takes no images; leave them out")
        return [("", "-")]
    if args.annotations:
        images = annotated_paths(
            args.annotations, args.images[0], describer.takes_videos, args.split
        )
    else:
        images = _named((find_videos if describer.takes_videos else find_images)(args.images))
    count = describer.feature_count
    if count is not None and not images:
        return [(i, f"{args.features}[{i}]") for i in range(count)]
    if count is not None and count != len(images):
        raise UsageError(
            f"{args.features} holds the features of {count} images, but {len(images)} "
            "were given; leave the images out, or give each"
        )
    if not images:
        raise UsageError("no images: give image files, or a folder of them")
    return images


def _named(paths: list[str]) -> list[tuple[Any, str]]:
    """(image id, path): the file name, or the path if several images have the same file name."""
    refuse_twice(paths, "image")
    names = [os.path.basename(os.path.normpath(path)) for path in paths]
    is_unique = len(set(names)) == len(names)
    return list(zip(names if is_unique else paths, paths, strict=True))


def _describe(
    args: argparse.Namespace,
    describer: Describer,
    paths: list[str],
) -> Iterator[tuple[int, list[Caption]]]:
    """Yield the index of each image and its captions, the likeliest first."""
    from caffe_lite.errors import DataError

    captioner = describer.captioner
    length = args.max_length or MAX_LENGTH
    temperature = args.temperature or 1 / (args.inverse_temperature or 1)
    sentences = None
    if args.score:
        unknown = "<unk>" if args.unknown_words == "unk" else None
        sentences = [[*captioner.vocabulary.encode(text, unknown), 0] for text in args.score]
        for text, ids in zip(args.score, sentences, strict=True):
            if len(ids) == 1:
                raise DataError(f'--score: caption "{text}" has no words')
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
                given, args.sample, temperature, args.seed or 0, length, first, args.per_word
            )
        else:
            found = captioner.beam_search(given, args.beam or BEAM, length, args.per_word)
        if sentences is None:
            kept = args.best or (args.sample if args.json and args.sample else 1)
            found = [captions[:kept] for captions in found]
        yield from enumerate(found, first)


def _described(describer: Describer, caption: Caption) -> dict[str, Any]:
    return {
        "caption": describer.captioner.text(caption),
        "log_prob": caption.log_prob,
        "log_prob_per_word": caption.log_prob_per_word,
        "complete": caption.is_complete,
    }

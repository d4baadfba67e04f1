"""Retrieve captions for images and images for captions with a caption net.

Each caption is scored by log P(caption | image) for every image. As in LRCN's retrieval experiment,
the score counts the words but not the end of the sentence, and the logarithm of the caption's mean
probability over the images is subtracted: without that, a caption that is likely for any image
would be retrieved for all of them.

Examples:
    Recall at 1, 5 and 10 and the median rank, both ways, on a COCO caption file:
        caffe_lite retrieve val2014/ --annotations captions_val2014.json --images first1000.txt \\
            --net lrcn_word_to_preds.deploy.prototxt --weights lrcn.caffemodel \\
            --vocabulary vocabulary.txt --image-net bvlc_reference_caffenet/deploy.prototxt
    The photos of a folder that match a sentence best:
        caffe_lite retrieve photos/ --query "A dog on a beach." --best 3 ...
"""

from __future__ import annotations

import argparse
import json
import os
from functools import partial
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
    import numpy as np

    from caffe_lite.cli.log import LiveHandler
    from caffe_lite.cli.progress import Progress
    from caffe_lite.lrcn.retrieval import Recall
    from caffe_lite.lrcn.score_file import ScoreFile

BEST = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="IMAGE",
        help="image files or folders; with --annotations the one folder that holds the images",
    )
    add(
        parser,
        "annotations",
        metavar="FILE.json",
        help="measure retrieval on the images and captions of this COCO file",
    )
    add(
        parser,
        "images",
        metavar="FILE",
        help="use only these images of --annotations: one image id or file name per line",
    )
    add(
        parser,
        "query",
        action="append",
        metavar="TEXT",
        help="list the images that match this caption best; may be given several times",
    )
    add(parser, "best", type=int, metavar="N", help=f"images per --query (default {BEST})")
    add(
        parser,
        "split",
        metavar="NAME",
        help="images to take from --annotations in Karpathy's form, such as test",
    )
    add_caption_net(parser)
    scores = parser.add_argument_group("how captions are scored")
    add(
        scores,
        "no_normalize",
        action="store_true",
        help="do not subtract the caption's mean probability over the images",
    )
    add(
        scores,
        "end_word",
        action="store_true",
        help="also count the end of the sentence, <EOS>, as a word of the caption",
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
        help="how to treat words that are not in the vocabulary: error (default for --query), or "
        "unk to score <unk> in their place (default for --annotations)",
    )
    add(
        scores,
        "scores",
        metavar="FILE.npy",
        help="keep the log-probabilities (images, captions) in this file, and continue from it "
        "when the command is repeated",
    )
    add_picture(
        parser,
        "the images that match each --query best; with --annotations those of 12 captions, the "
        "right ones marked",
    )
    add(parser, "json", action="store_true", help="print JSON")
    options.add_no_python_layers(parser)
    options.add_no_optimize(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError

    live = start_log(quiet=True)
    if bool(args.annotations) == bool(args.query):
        raise UsageError("give either --annotations, to measure, or --query, to find images")
    if args.annotations:
        refuse(args, ("best",), "with --annotations")
    else:
        refuse(args, ("images", "split"), "without --annotations")
    if args.annotations and len(args.folders) != 1:
        raise UsageError("--annotations takes one folder, which holds the images of the file")
    if args.best is not None and args.best < 1:
        raise UsageError(f"--best must be positive, got {args.best}")
    check_picture(args.picture)
    (_measure if args.annotations else _find)(args, live)
    return 0


def _measure(args: argparse.Namespace, live: LiveHandler) -> None:
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.coco import read_annotations, read_image_ids
    from caffe_lite.lrcn.retrieval import retrieve

    annotations = read_annotations(args.annotations, args.split)
    images = list(annotations.files)
    if args.images:
        images = read_image_ids(args.images, annotations, args.annotations)
    texts = [text for image in images for text in annotations.captions[image]]
    image_of = [i for i, image in enumerate(images) for _ in annotations.captions[image]]
    if not texts:
        raise DataError(
            f"{args.images or args.annotations}: none of its images has captions; retrieval needs "
            "captions to rank"
        )
    describer = Describer(args)
    found = dict(
        annotated_paths(args.annotations, args.folders[0], describer.takes_videos, args.split)
    )
    paths = [found[image] for image in images]
    scores = _scores(args, describer, paths, texts, args.annotations, live)
    to_caption, to_image = retrieve(scores, image_of)
    live.finish()
    _print_recall(args.json, len(images), len(texts), to_caption, to_image)
    if args.picture:
        from caffe_lite.cli.caption_pictures import example_grid

        summary = ", ".join(f"{name} {value:.4g}" for name, value in to_image.summary().items())
        picture = example_grid(texts, image_of, paths, scores, f"caption to image: {summary}")
        write_picture(args.picture, picture)


def _print_recall(
    as_json: bool, images: int, captions: int, to_caption: Recall, to_image: Recall
) -> None:
    ways = {"image to caption": to_caption.summary(), "caption to image": to_image.summary()}
    if as_json:
        print(json.dumps({"images": images, "captions": captions, **ways}))
        return
    print(f"{images} images, {captions} captions")
    print(f"{'':16}{'  '.join(f'{name:>11}' for name in next(iter(ways.values())))}")
    for title, summary in ways.items():
        cells = [
            f"{value:11.4f}" if name.startswith("R@") else f"{value:11.1f}"
            for name, value in summary.items()
        ]
        print(f"{title:16}{'  '.join(cells)}")


def _find(args: argparse.Namespace, live: LiveHandler) -> None:
    describer = Describer(args)
    paths = (find_videos if describer.takes_videos else find_images)(args.folders)
    refuse_twice(paths, "image")
    scores = _scores(args, describer, paths, args.query, "--query", live)
    live.finish()
    if args.picture:
        from caffe_lite.cli.caption_pictures import query_grid

        picture = query_grid(args.query, paths, scores, args.best or BEST)
        write_picture(args.picture, picture)
    results: list[dict[str, Any]] = []
    for query, column in zip(args.query, scores.T, strict=True):
        order = (-column).argsort(kind="stable")[: args.best or BEST]
        results.append(
            {
                "query": query,
                "images": [{"image": paths[i], "score": float(column[i])} for i in order],
            }
        )
    if args.json:
        print(json.dumps(results))
        return
    for result in results:
        print(result["query"])
        for image in result["images"]:
            print(f"  {image['score']:9.3f}  {image['image']}")


def _scores(
    args: argparse.Namespace,
    describer: Describer,
    paths: list[str],
    texts: list[str],
    source: str,
    live: LiveHandler,
) -> np.ndarray:
    """Scores (images, captions) of all pairs."""
    import numpy as np

    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.retrieval import normalize

    if not describer.takes_images:
        raise UsageError(f"the net {args.net} takes no images; retrieval needs one that does")
    if describer.feature_count not in (None, len(paths)):
        raise UsageError(
            f"{args.features} holds the features of {describer.feature_count} images, "
            f"but there are {len(paths)}"
        )
    sentences = _encode(args, describer, texts, source)
    progress = Progress(live)
    shape = (len(paths), len(sentences))
    kept = _kept(args, describer, paths, sentences) if args.scores else None
    scores = np.empty(shape) if kept is None else kept.matrix
    for first in range(kept.done if kept else 0, len(paths), BATCH):
        batch = paths[first : first + BATCH]
        report = partial(_report, progress, first * len(sentences), scores.size)
        found = describer.captioner.score_matrix(
            describer.input_for(batch, first), sentences, args.per_word, report
        )
        if kept is None:
            scores[first : first + len(batch)] = found
        else:
            kept.write(first, found)
    return np.array(scores) if args.no_normalize else normalize(np.array(scores))


def _report(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress.report("pairs scored", before + done, total)


def _kept(
    args: argparse.Namespace, describer: Describer, paths: list[str], sentences: list[list[int]]
) -> ScoreFile:
    """The file of --scores, which belongs to these images, captions, files and options."""
    from caffe_lite.lrcn.score_file import ScoreFile

    files = [args.net, args.vocabulary, args.image_net, args.features]
    files += [
        name for given in (args.weights, args.image_weights) if given for name in given.split(",")
    ]
    stamps = [
        (name, os.stat(name).st_size, os.stat(name).st_mtime_ns)
        for name in files
        if name and os.path.exists(name)
    ]
    chosen = (args.feature, args.resize, args.mean, args.scale, args.crops, args.per_word)
    return ScoreFile(args.scores, (len(paths), len(sentences)), [paths, sentences, stamps, chosen])


def _encode(
    args: argparse.Namespace, describer: Describer, texts: list[str], source: str
) -> list[list[int]]:
    """The word ids of the captions that `source` holds, as they are to be scored."""
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.vocabulary import END, UNKNOWN

    replace = (args.unknown_words or ("unk" if args.annotations else "error")) == "unk"
    sentences = []
    for text in texts:
        try:
            ids = describer.captioner.vocabulary.encode(text, UNKNOWN if replace else None)
        except DataError as error:
            hint = "" if replace else "; --unknown-words unk scores <unk> in place of such words"
            raise DataError(f'{source}: caption "{text}": {error}{hint}') from None
        if not ids:
            raise DataError(f'{source}: caption "{text}" has no words')
        sentences.append([*ids, END] if args.end_word else ids)
    return sentences

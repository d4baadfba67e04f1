"""Classify images: the likeliest classes of each, with their probabilities.

Images are resized, cropped, and the mean is subtracted, as the net's data layer does it or as
options say. NET may be a deploy definition or the one that the net was trained with. With layers
over time (LSTM, RNN), the command is `classify-video`.

Examples:
    Some photographs, the five likeliest classes of ImageNet:
        caffe_lite classify *.jpg --net deploy.prototxt \\
            --weights bvlc_reference_caffenet.caffemodel --mean 104,117,123 \\
            --classes synset_words.txt
    Ten crops of each image in a folder, every probability as JSON:
        caffe_lite classify photos/ --net deploy.prototxt --weights w.caffemodel --oversample \\
            --json
    The accuracy on a list of lines "path label":
        caffe_lite classify test.txt --list --net train_val.prototxt --weights w.caffemodel
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.image_arguments import add_images, add_preprocessing

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.recognition.classifier import ImageClassifier

TOP = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    add_images(parser)
    add(
        parser,
        "classes",
        metavar="FILE",
        help='class names, one per line in the order of their labels, or "number name"',
    )
    add(
        parser,
        "list",
        action="store_true",
        help='IMAGE is a list of lines "path label": print the accuracy as well',
    )
    add(parser, "root", default="", metavar="DIR/", help="with --list, what its paths begin with")
    add(parser, "top", type=options.positive, metavar="N", help=f"classes to print (default {TOP})")
    add(
        parser,
        "oversample",
        action="store_true",
        help="average over ten crops: corners, centre, and their mirror images (default: centre)",
    )
    add(parser, "blob", default="", metavar="NAME", help="the scores (default: the last output)")
    add_preprocessing(parser)
    options.add_device(parser)
    add(parser, "json", action="store_true", help="print JSON: all classes, or --top of them")
    add(parser, "out", metavar="FILE.npy", help="write the scores, an array (images, classes)")
    options.add_shape(parser, "the shape of an input, where its definition leaves it open")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.image_arguments import read_as
    from caffe_lite.cli.log import start_log
    from caffe_lite.proto import load
    from caffe_lite.recognition.classifier import ImageClassifier
    from caffe_lite.recognition.usable_net import takes_clips, usable_net

    start_log(quiet=True)
    definition = load.load_net(args.net, unknown=args.unknown_fields)
    if takes_clips(definition):
        return _as_videos(args)
    images = _images(args)
    ops = get_ops(options.device(args.gpu))
    with usable_net(definition, ops, args.weights, args.net, options.shapes(args)) as net:
        shape = net.blobs[net.inputs[0]].shape[1:]
        reader = read_as(args, definition, shape)
        classifier = ImageClassifier(net, reader, 10 if args.oversample else 1, args.blob)
        return _classify(args, classifier, images)


def _as_videos(args: argparse.Namespace) -> int:
    """Run `classify-video` with the same words, which earlier versions called `classify`."""
    from caffe_lite.cli.commands import parse

    words = parse(["classify-video", *args.command_words])
    return int(words.run(words))


def _images(args: argparse.Namespace) -> list[tuple[str, int | None]]:
    """Paths, with the labels that --list gives them."""
    from caffe_lite.cli.image_arguments import expand_images
    from caffe_lite.data.image_records import read_entries
    from caffe_lite.errors import UsageError

    if not args.list:
        if args.root:
            raise UsageError("--root has no effect without --list; leave it out")
        return [(path, None) for path in expand_images(args.images)]
    entries = [entry for path in args.images for entry in read_entries(path)]
    return [(args.root + entry.path, entry.label) for entry in entries]


def _classify(
    args: argparse.Namespace, classifier: ImageClassifier, images: list[tuple[str, int | None]]
) -> int:
    from caffe_lite.errors import DataError

    names = _names(args, classifier)
    found: list[dict[str, Any]] = []
    rows: list[np.ndarray] = []
    failed = 0
    labels = iter(label for _, label in images)
    for path, scores in classifier.scores([path for path, _ in images]):
        label = next(labels)
        if isinstance(scores, DataError):
            failed += 1
            print(f"caffe_lite classify: {scores}", file=sys.stderr)
            continue
        rows.append(scores)
        value = "probability" if classifier.gives_probabilities else "score"
        found.append(_result(args, path, label, scores, names, value))
        if not args.json:
            print(path)
            for each in found[-1]["classes"]:
                print(f"  {each[value]:.4f}  {each['class']}", flush=True)
    if not found:
        raise DataError(f"none of {failed} image{'s' * (failed > 1)} can be read")
    if args.out:
        _write(args.out, rows)
    if args.json:
        print(json.dumps(found))
    if args.list and not args.json:
        for most in (1, 5):
            if classifier.classes > most:
                right = sum(each["rank"] <= most for each in found)
                name = "accuracy" if most == 1 else "accuracy of the best 5"
                print(f"{name} {right / len(found):.4f} ({right} of {len(found)} images)")
    return 1 if failed else 0


def _names(args: argparse.Namespace, classifier: ImageClassifier) -> list[str]:
    from caffe_lite.errors import ModelError
    from caffe_lite.lrcn.activity import read_class_names

    if args.classes is None:
        return [str(i) for i in range(classifier.classes)]
    names = read_class_names(args.classes)
    if len(names) != classifier.classes:
        raise ModelError(
            f"{args.classes}: {len(names)} class names, but the net {args.net} has "
            f"{classifier.classes} classes; give the names of its classes"
        )
    return names


def _result(
    args: argparse.Namespace,
    path: str,
    label: int | None,
    scores: np.ndarray,
    names: list[str],
    value: str,
) -> dict[str, Any]:
    """What is printed of one image; `rank` is the place of its label, from 1 on.

    `value` is what the scores are called.
    """
    from caffe_lite.recognition.classifier import best

    count = args.top or (len(scores) if args.json else TOP)
    result: dict[str, Any] = {"image": os.fspath(path)}
    if label is not None:
        order = best(scores, len(scores))
        rank = order.index(label) + 1 if 0 <= label < len(scores) else len(scores) + 1
        result.update(label=label, rank=rank)
    result["classes"] = [
        {"class": names[i], "label": i, value: float(scores[i])} for i in best(scores, count)
    ]
    return result


def _write(path: str, rows: list[np.ndarray]) -> None:
    import numpy as np

    from caffe_lite.proto.atomic import atomic_path

    with atomic_path(path) as partial, open(partial, "wb") as file:
        np.save(file, np.stack(rows))

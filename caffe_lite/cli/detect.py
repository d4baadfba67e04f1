"""Find objects in images, with nets that end in DetectionOutput, or classify given windows.

Examples:
    Boxes of an SSD, drawn as well:
        caffe_lite detect street.jpg --net deploy.prototxt --weights VGG_VOC0712_SSD.caffemodel \\
            --mean 104,117,123 --classes labelmap_voc.prototxt --draw found/
    A folder, as JSON:
        caffe_lite detect photos/ --net deploy.prototxt --weights w.caffemodel --json
    Windows classified as Caffe's detect.py does, into a CSV file:
        caffe_lite detect --windows windows.csv --net deploy.prototxt --weights w.caffemodel \\
            --mean 104,117,123 --context-pad 16 --out scores.csv

Boxes are in pixels of the image. windows.csv has the header filename,xmin,ymin,xmax,ymax.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.image_arguments import add_images, add_preprocessing
from caffe_lite.cli.unused_options import refuse

if TYPE_CHECKING:
    from caffe_lite.lrcn.image_input import ImageInput
    from caffe_lite.nets.net import Net
    from caffe_lite.recognition.box_detector import Detection

THRESHOLD = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    add_images(parser, needed=False)
    add(
        parser,
        "classes",
        metavar="FILE",
        help="a label map as SSD's (.prototxt), or names, one per line in the order of labels",
    )
    add(
        parser,
        "threshold",
        type=float,
        metavar="X",
        help=f"the lowest score of objects (default {THRESHOLD})",
    )
    add(parser, "draw", metavar="DIR", help="write each image with its boxes there (extra `demo`)")
    windows = parser.add_argument_group("windows")
    add(windows, "windows", metavar="FILE.csv", help="classify these windows; without IMAGE")
    add(
        windows,
        "context_pad",
        type=options.natural,
        metavar="N",
        help="pixels of the input that show the surroundings of a window (default 0)",
    )
    add(windows, "out", metavar="FILE.csv", help="write the scores of all classes there")
    add_preprocessing(parser)
    options.add_device(parser)
    add(parser, "json", action="store_true", help="print JSON")
    options.add_shape(parser, "the shape of an input, where its definition leaves it open")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.image_arguments import read_as
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError
    from caffe_lite.proto import load
    from caffe_lite.recognition.usable_net import usable_net

    start_log(quiet=True)
    if args.windows is None:
        refuse(args, ("context_pad", "out"), "without --windows")
        if not args.images:
            raise UsageError("name images to look at, or --windows")
    else:
        refuse(args, ("draw", "threshold"), "with --windows")
        if args.images:
            raise UsageError("--windows names the images itself; give no IMAGE")
    definition = load.load_net(args.net, unknown=args.unknown_fields)
    ops = get_ops(options.device(args.gpu))
    with usable_net(definition, ops, args.weights, args.net, options.shapes(args)) as net:
        images = read_as(args, definition, net.blobs[net.inputs[0]].shape[1:])
        return (_find_boxes if args.windows is None else _score_windows)(args, net, images)


def _find_boxes(args: argparse.Namespace, net: Net, images: ImageInput) -> int:
    from caffe_lite.cli.image_arguments import expand_images
    from caffe_lite.errors import DataError
    from caffe_lite.recognition.box_detector import BoxDetector

    threshold = THRESHOLD if args.threshold is None else args.threshold
    detector = BoxDetector(net, images, threshold)
    names = _names(args.classes)
    paths = expand_images(args.images)
    results: list[dict[str, Any]] = []
    for path in paths:
        try:
            found = detector.detect(path)
        except DataError as error:
            print(f"caffe_lite detect: {error}", file=sys.stderr)
            continue
        objects = [
            {
                "class": names.get(each.label, str(each.label)),
                "label": each.label,
                "score": each.score,
                "box": list(each.box),
            }
            for each in found
        ]
        results.append({"image": path, "objects": objects})
        if args.draw:
            _draw(args.draw, path, found, names)
        if not args.json:
            print(f"{path}: {len(found)} object{'s' * (len(found) != 1)}")
            for each in found:
                box = " ".join(f"{edge:.0f}" for edge in each.box)
                print(f"  {each.score:.4f}  {box}  {names.get(each.label, each.label)}", flush=True)
    if not results:
        raise DataError(f"none of {len(paths)} image{'s' * (len(paths) > 1)} can be read")
    if args.json:
        print(json.dumps(results))
    return 1 if len(results) < len(paths) else 0


def _names(path: str | None) -> dict[int, str]:
    from caffe_lite.forks.ssd._lists import read_label_map
    from caffe_lite.lrcn.activity import read_class_names

    if path is None:
        return {}
    if path.endswith((".prototxt", ".pbtxt")):
        return read_label_map(path)
    return dict(enumerate(read_class_names(path)))


def _draw(folder: str, path: str, found: list[Detection], names: dict[int, str]) -> None:
    from caffe_lite.cli.picture_option import write_picture
    from caffe_lite.data.images import read_image
    from caffe_lite.recognition.draw_boxes import draw_boxes

    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, f"{os.path.splitext(os.path.basename(path))[0]}.png")
    write_picture(target, draw_boxes(read_image(path), found, names))


def _score_windows(args: argparse.Namespace, net: Net, images: ImageInput) -> int:
    from caffe_lite.recognition.classifier import ImageClassifier, best
    from caffe_lite.recognition.window_detector import WindowDetector, read_windows

    windows = read_windows(args.windows)
    detector = WindowDetector(ImageClassifier(net, images), args.context_pad or 0)
    names = _names(args.classes)
    table = [["filename", "ymin", "xmin", "ymax", "xmax"]]
    table[0] += [f"class{i}" for i in range(detector.classifier.classes)]
    results = []
    for window, scores in zip(windows, detector.scores(windows), strict=True):
        table.append([window.image, *map(str, window.box), *(str(float(s)) for s in scores)])
        (label,) = best(scores, 1)
        top, left, bottom, right = window.box
        name = names.get(label, str(label))
        if args.json:
            box = {"box": [left, top, right, bottom], "class": name, "label": label}
            results.append({"image": window.image, **box, "score": float(scores[label])})
        else:
            place = " ".join(f"{edge:g}" for edge in (left, top, right, bottom))
            print(f"{window.image}  {place}  {float(scores[label]):.4f}  {name}", flush=True)
    if args.json:
        print(json.dumps(results))
    if args.out:
        _write_table(args.out, table)
    return 0


def _write_table(path: str, table: list[list[str]]) -> None:
    import csv
    import io

    from caffe_lite.proto.atomic import atomic_path

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    with atomic_path(path) as partial:
        partial.write_bytes(text.getvalue().encode("utf-8", "surrogateescape"))

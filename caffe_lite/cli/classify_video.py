"""Classify the activities in videos with LRCN's nets.

A video is a folder of numbered frames, as `caffe_lite prepare videos` makes it, and for a flow net
a folder of flow images. Clips slide over the video, ten crops of each frame (corners and centre,
and their mirror images) are classified, and the probabilities are averaged over crops and time. A
net without LSTM classifies single frames.

Examples:
    One video, RGB alone:
        caffe_lite classify-video frames/v_Archery_g01_c01 --net deploy_lstm.prototxt \\
            --weights RGB_lstm.caffemodel --classes classInd.txt
    RGB and flow, fused with 1/3 and 2/3:
        caffe_lite classify-video frames/v_Archery_g01_c01 --flow flow_images/ \\
            --net deploy_lstm.prototxt --weights RGB_lstm.caffemodel \\
            --flow-weights flow_lstm.caffemodel --rgb-weight 1/3 --classes classInd.txt
    The same as a picture, and as a video with the probabilities below it:
        caffe_lite classify-video frames/v_Archery_g01_c01 --picture archery.png \\
            --out archery.mp4 ...
    Accuracy on UCF101's first split:
        caffe_lite classify-video frames/ --list ucf101_split1_testVideos.txt ...
    The mean over the three splits, each with its own weights:
        caffe_lite classify-video frames/ --net deploy_lstm.prototxt \\
            --list ucf101_split1_testVideos.txt --weights RGB_lstm_split1.caffemodel \\
            --list ucf101_split2_testVideos.txt --weights RGB_lstm_split2.caffemodel \\
            --list ucf101_split3_testVideos.txt --weights RGB_lstm_split3.caffemodel
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.caption_options import add_image_input, refuse_twice
from caffe_lite.cli.picture_option import add_picture, check_picture
from caffe_lite.cli.recognizer import Recognizer
from caffe_lite.cli.unused_options import refuse
from caffe_lite.cli.video_pictures import FPS, VideoPictures

if TYPE_CHECKING:
    from caffe_lite.cli.progress import Progress

TOP = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="FOLDER",
        help="folders of frames; with --list the one folder that contains them",
    )
    add(parser, "net", required=True, metavar="NET", help="deploy prototxt of the activity net")
    add(
        parser,
        "weights",
        action="append",
        required=True,
        metavar="W[,W2]",
        help="its caffemodel; with several --list, one for all or one for each",
    )
    add(
        parser,
        "classes",
        metavar="FILE",
        help='class names, one per line in the order of their labels, or "number name"',
    )
    add(
        parser,
        "frames",
        choices=("rgb", "flow"),
        default="rgb",
        help="what FOLDER holds (default rgb); mirroring a flow image also inverts its horizontal "
        "flow",
    )
    fusion = parser.add_argument_group("fusion with a flow net")
    add(
        fusion,
        "flow",
        metavar="FOLDER",
        help="folder of the video's flow images, or of such folders with the videos' names",
    )
    add(
        fusion,
        "flow_weights",
        action="append",
        metavar="W[,W2]",
        help="the flow net's caffemodel, as --weights",
    )
    add(fusion, "flow_net", metavar="NET", help="its deploy prototxt (default: that of --net)")
    add(
        fusion,
        "flow_mean",
        metavar="B,G,R",
        help="mean to subtract from flow images (default 128 for nets of 224 or 227 pixels)",
    )
    add(
        fusion,
        "rgb_weight",
        metavar="X",
        help="weight of RGB, from 0 to 1; flow has the rest (default 1/2)",
    )
    views = parser.add_argument_group("what the net sees")
    add(
        views,
        "crops",
        type=int,
        choices=(1, 10),
        default=10,
        help="crops per frame: 1, the centre, or 10 (default)",
    )
    add(
        views,
        "stride",
        type=int,
        metavar="N",
        help="frames between the beginnings of clips (default: half a clip)",
    )
    add(
        views,
        "features",
        metavar="DIR",
        help="keep the features of each video's frames in files there, and read them again when "
        "the command is repeated with the same nets and frames",
    )
    add_image_input(
        views,
        "103.939,116.779,128.68 for nets of 224 or 227 pixels, flow 128, else 0",
        "240,320 for nets of 224 or 227 pixels, else none",
    )
    add(
        parser,
        "list",
        action="append",
        metavar="FILE",
        help='"CLASS/VIDEO label" per line: measure the accuracy; given several times, as for '
        "UCF101's three splits, the mean over the lists as well",
    )
    add(parser, "top", type=int, metavar="N", help=f"classes to print (default {TOP})")
    add_picture(
        parser,
        "the probabilities of classes under the frames of the video; with --list the confusion "
        "matrix and the accuracy of each class",
    )
    add(
        parser,
        "out",
        metavar="FILE.mp4",
        help="write the video with the probabilities below it, as --picture FILE.mp4 does too "
        "(extras `demo` and `video`)",
    )
    add(parser, "fps", type=float, metavar="N", help=f"frames per second of --out (default {FPS})")
    options.add_device(parser)
    add(parser, "json", action="store_true", help="print JSON: the probability of every class")
    options.add_no_python_layers(parser)
    options.add_no_optimize(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import UsageError

    live = start_log(quiet=True)
    if args.flow is None and args.flow_weights is None:
        refuse(args, ("flow_net", "flow_mean", "rgb_weight"), "without --flow")
    if args.json:
        refuse(args, ("top",), "with --json")
    if (args.flow is None) != (args.flow_weights is None):
        raise UsageError("--flow and --flow-weights go together: flow images and their net")
    for name in ("stride", "top"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} must be at least 1, got {value}")
    progress = Progress(live)
    _take_video_from_picture(args)
    check_picture(args.picture)
    pictures = VideoPictures(args)
    splits = [_Split(each, *_classify(each, progress, pictures)) for each in _splits(args)]
    live.finish()
    pictures.write()
    _print(args, splits)
    return 0


@dataclass(frozen=True)
class _Split:
    """The results for one list, or for the videos given: how many are right, and JSON of each."""

    args: argparse.Namespace
    right: int
    videos: list[dict[str, Any]]

    @property
    def accuracy(self) -> float:
        return self.right / len(self.videos)


def _splits(args: argparse.Namespace) -> list[argparse.Namespace]:
    """The arguments for each list, with the weights that belong to it."""
    from caffe_lite.errors import UsageError

    lists = args.list or [None]
    chosen: dict[str, list[Any]] = {"list": lists}
    for name in ("weights", "flow_weights"):
        given = getattr(args, name) or [None]
        if len(lists) == 1:
            given = given[-1:]  # the last one counts, as for other options
        if len(given) not in (1, len(lists)):
            raise UsageError(
                f"--{name.replace('_', '-')} is given {len(given)} times for {len(lists)} --list; "
                "give it once, or once for each"
            )
        chosen[name] = given * (len(lists) // len(given))
    return [
        argparse.Namespace(**{**vars(args), **{name: chosen[name][i] for name in chosen}})
        for i in range(len(lists))
    ]


def _classify(
    args: argparse.Namespace, progress: Progress, pictures: VideoPictures
) -> tuple[int, list[dict[str, Any]]]:
    """Classify the videos and print each, unless JSON is asked for; the number that are right."""
    recognizer = Recognizer(args)
    videos = _videos(args)
    _check_labels(args, recognizer, videos)
    pictures.begin(recognizer, videos)
    right, results = 0, []
    for number, (folder, label) in enumerate(videos, 1):
        title = f"video {number} of {len(videos)}: frames"
        found = recognizer.recognize(folder, len(videos) == 1, partial(progress.report, title))
        right += int(found.probs.argmax()) == label
        ranked = recognizer.ranked(found.probs)
        pictures.add(folder, label, found)
        results.append(
            {"video": folder, **({} if label is None else {"label": label}), "classes": ranked}
        )
        if not args.json:
            best = ", ".join(
                f"{each['class']} {each['probability']:.4f}" for each in ranked[: args.top or TOP]
            )
            print(f"{folder}: {best}", flush=True)
        progress.report("videos", number, len(videos))
    return right, results


def _check_labels(
    args: argparse.Namespace, recognizer: Recognizer, videos: list[tuple[str, int | None]]
) -> None:
    """Raise DataError for a label that the net does not know."""
    from caffe_lite.errors import DataError

    count = recognizer.first.classes
    for folder, label in videos:
        if label is not None and label >= count:
            raise DataError(
                f"{args.list}: {folder} has label {label}, but the {count} classes of {args.net} "
                f"have labels from 0 to {count - 1}"
            )


def _print(args: argparse.Namespace, splits: list[_Split]) -> None:
    """Print the accuracies of lists and their mean, or JSON of everything."""
    if not args.list:
        if args.json:
            print(json.dumps(splits[0].videos))
        return
    mean = sum(split.accuracy for split in splits) / len(splits)
    found = [{"accuracy": split.accuracy, "videos": split.videos} for split in splits]
    if args.json and len(splits) == 1:
        print(json.dumps(found[0]))
    elif args.json:
        lists = [{"list": name, **each} for name, each in zip(args.list, found, strict=True)]
        print(json.dumps({"accuracy": mean, "lists": lists}))
    else:
        for split in splits:
            title = f"{split.args.list}: " if len(splits) > 1 else ""
            videos = f"{split.right} of {len(split.videos)} videos"
            print(f"{title}accuracy {split.accuracy:.4f} ({videos})")
        if len(splits) > 1:
            print(f"mean accuracy {mean:.4f} over {len(splits)} lists")


def _take_video_from_picture(args: argparse.Namespace) -> None:
    """A video that --picture names is that of --out."""
    from caffe_lite.data.video_writer import ENDINGS
    from caffe_lite.errors import UsageError

    if args.picture is None or not args.picture.lower().endswith(ENDINGS):
        return
    if args.out is not None:
        raise UsageError(
            f"--picture {args.picture} and --out {args.out} are both videos; give one of them"
        )
    args.out, args.picture = args.picture, None


def _videos(args: argparse.Namespace) -> list[tuple[str, int | None]]:
    """Folders of frames, with the labels that --list gives them."""
    from caffe_lite.data.frames import find_video, read_video_list
    from caffe_lite.errors import DataError, UsageError

    if args.list:
        if len(args.videos) != 1:
            raise UsageError("--list takes one folder, which contains the folders of frames")
        listed: list[tuple[str, int | None]] = [
            (find_video(args.videos[0], video), label)
            for video, label in read_video_list(args.list)
        ]
        for folder, count in Counter(folder for folder, _ in listed).items():
            if count > 1:
                raise DataError(f"{args.list}: {folder} is listed {count} times; list it once")
        return listed
    for video in args.videos:
        if os.path.isfile(video):
            raise UsageError(
                f"{video} is a file; a folder of its frames is expected: make one "
                "with `caffe_lite prepare videos`"
            )
    refuse_twice(args.videos, "video")
    return [(video, None) for video in args.videos]

"""Images on the command line: files, folders and patterns; and how a net sees them."""

from __future__ import annotations

import argparse
import glob
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.caption_options import ENDINGS, IMAGENET_MEAN, add_image_input, image_options

if TYPE_CHECKING:
    from caffe_lite.lrcn.image_input import ImageInput
    from caffe_lite.types import NetParameter


def expand_images(given: Sequence[str]) -> list[str]:
    """Files named by `given`: files, all images below folders, and patterns such as "*/*.png".

    In the order given, those of a folder or pattern sorted. Raises DataError for a folder without
    images and a pattern that fits nothing.
    """
    from caffe_lite.errors import DataError

    found: list[str] = []
    for each in given:
        if os.path.isdir(each):
            paths = [
                os.path.join(folder, name)
                for folder, _, names in os.walk(each)
                for name in names
                if name.lower().endswith(ENDINGS)
            ]
            if not paths:
                raise DataError(f"{each}: the folder holds no images ({', '.join(ENDINGS)})")
            found += sorted(paths)
        elif not os.path.lexists(each) and any(sign in each for sign in "*?["):
            paths = glob.glob(each, recursive=True)
            if not paths:
                raise DataError(f'"{each}" fits no file')
            found += sorted(paths)
        else:
            found.append(each)
    return found


def add_images(parser: Any, needed: bool = True) -> None:
    """Add the positional arguments IMAGE, --net and --weights."""
    parser.add_argument(
        "images",
        nargs="+" if needed else "*",
        metavar="IMAGE",
        help='image files, folders of them (with those inside), or patterns such as "*/*.png"',
    )
    add = options.add_flag
    add(
        parser,
        "net",
        required=True,
        metavar="NET",
        help="the net's prototxt, for use or for training",
    )
    add(parser, "weights", required=True, metavar="W[,W2]", help="its caffemodel")


def add_preprocessing(parser: Any) -> None:
    """Add --resize, --mean and --scale, which `read_as` reads."""
    layer = "what the net's data layer does"
    add_image_input(
        parser,
        f"{layer}, else 104,117,123 for nets of 224 or 227 pixels, else 0",
        f"{layer}, else 256,256 for nets of 224 or 227 pixels, else none",
    )


def read_as(args: argparse.Namespace, definition: NetParameter, shape: Sequence[int]) -> ImageInput:
    """Images as an input of `shape` (C, H, W), by the options or else by the net's data layer."""
    from caffe_lite.lrcn.image_input import ImageInput
    from caffe_lite.recognition.usable_net import preprocessing_of

    own = preprocessing_of(definition)
    chosen = image_options(args, shape, args.mean, IMAGENET_MEAN, (256, 256))
    if own is not None:
        if args.mean is None:
            chosen["mean"] = 0.0 if own.mean is None else own.mean
        if args.scale is None:
            chosen["scale"] = own.scale
        if args.resize is None and own.resize is not None:
            chosen["resize"] = own.resize
    if chosen["resize"] is None and args.resize != "none":
        chosen["resize"] = (int(shape[1]), int(shape[2]))
    return ImageInput(shape, **chosen)

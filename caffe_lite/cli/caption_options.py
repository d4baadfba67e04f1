"""What `caption` and `retrieve` share: the caption net with its files, and images for it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.lrcn.captioner import Captioner
    from caffe_lite.lrcn.image_features import ImageFeatures
    from caffe_lite.lrcn.image_input import ImageInput

BATCH = 32  # images that are read and described together
IMAGENET_MEAN = (104.0, 117.0, 123.0)
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")


def add_caption_net(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    nets = parser.add_argument_group("the nets and their files")
    add(
        nets,
        "net",
        required=True,
        metavar="NET",
        help="deploy prototxt of the caption net: words and an image to the next word's "
        "probabilities, such as LRCN's lrcn_word_to_preds.deploy.prototxt",
    )
    add(nets, "weights", required=True, metavar="W[,W2]", help="the caption net's caffemodel")
    add(
        nets,
        "vocabulary",
        required=True,
        metavar="FILE",
        help="the words that the net was trained with, one a line",
    )
    add(
        nets,
        "image_net",
        metavar="NET",
        help="deploy prototxt of the convnet that makes the caption net's image features; not for "
        "a caption net that takes images itself",
    )
    add(
        nets,
        "image_weights",
        metavar="W[,W2]",
        help="the convnet's caffemodel (default: that of the caption net, which holds both)",
    )
    add(
        nets,
        "feature",
        default="fc8",
        metavar="BLOB",
        help="the convnet's blob to feed to the caption net (default fc8)",
    )
    add(
        nets,
        "features",
        metavar="FILE.npy",
        help="features computed before, an array (images, ...), in the place of a convnet",
    )
    add_image_input(
        nets,
        "104,117,123 for nets of 224 or 227 pixels, else 0",
        "256,256 for nets of 224 or 227 pixels, else none",
    )
    add(nets, "gpu", metavar="ID", help=options.DEVICE_HELP)


def add_image_input(parser: Any, mean: str, resize: str) -> None:
    """--resize, --mean and --scale, with what their defaults are."""
    add = options.add_flag
    add(
        parser,
        "resize",
        metavar="H,W",
        help=f'size of whole images before the net\'s middle crop, or "none" (default {resize})',
    )
    add(
        parser,
        "mean",
        metavar="B,G,R",
        help="mean to subtract: one number, one per channel, or a "
        f"mean file .binaryproto (default {mean})",
    )
    add(
        parser,
        "scale",
        type=float,
        default=1.0,
        metavar="X",
        help="factor for pixels less their mean (default 1)",
    )


def image_options(
    args: argparse.Namespace,
    shape: Sequence[int],
    mean: str | None,
    usual_mean: Any,
    usual_size: tuple[int, int],
) -> dict[str, Any]:
    """`resize`, `mean` and `scale` of an ImageInput of `shape` (C, H, W).

    `mean` is what the user gave; what was not given is `usual_mean` and `usual_size` for colour
    nets with ImageNet's crops, and nothing for others.
    """
    from caffe_lite.lrcn.image_input import IMAGENET_CROPS

    is_usual = tuple(shape[1:]) in IMAGENET_CROPS
    resize = usual_size if is_usual else None
    if args.resize is not None:
        resize = None if args.resize == "none" else _pair(args.resize)
    if mean is not None:
        values = parse_mean(mean)
    else:
        values = usual_mean if is_usual and shape[0] == 3 else 0.0
    return {"resize": resize, "mean": values, "scale": args.scale}


def parse_mean(given: str) -> Any:
    """A number, numbers separated by commas, or the mean image in a file."""
    from caffe_lite.data.mean_file import read_mean
    from caffe_lite.errors import UsageError

    if given.endswith(".binaryproto") or os.path.isfile(given):
        return read_mean(given)
    try:
        numbers = [float(number) for number in given.split(",")]
    except ValueError:
        raise UsageError(
            f"mean {given}: expected a number, one per channel as 104,117,123, or a "
            "mean file that exists"
        ) from None
    return numbers[0] if len(numbers) == 1 else numbers


def _pair(given: str) -> tuple[int, int]:
    from caffe_lite.errors import UsageError

    parts = given.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() and int(part) for part in parts):
        raise UsageError(f"--resize {given}: expected height and width, as 256,256, or none")
    return int(parts[0]), int(parts[1])


def find_images(given: Sequence[str]) -> list[str]:
    """Image files: those named, and those in folders named, in the order of their names."""
    from caffe_lite.errors import DataError

    found = []
    for path in given:
        if not os.path.isdir(path):
            found.append(path)
            continue
        names = sorted(name for name in os.listdir(path) if name.lower().endswith(ENDINGS))
        if not names:
            raise DataError(f"{path}: the folder holds no images ({', '.join(ENDINGS)})")
        found += [os.path.join(path, name) for name in names]
    return found


class Describer:
    """A captioner with what turns image files into its input."""

    def __init__(self, args: argparse.Namespace) -> None:
        from caffe_lite.backend import get_ops
        from caffe_lite.errors import UsageError
        from caffe_lite.lrcn.captioner import Captioner

        if args.image_net and args.features:
            raise UsageError("--image-net and --features exclude each other; give one of them")
        ops = get_ops(options.device(args.gpu))
        self.captioner: Captioner = Captioner.load(args.net, args.weights, args.vocabulary, ops)
        parts = self.captioner.parts
        self.takes_images = parts.image is not None
        self._features: np.ndarray | None = None
        self._load: Callable[[Sequence[str]], np.ndarray] | None = None
        if parts.image is None:
            return
        shape = parts.net.blobs[parts.image].shape[1:]
        if args.features:
            self._features = _read_features(args.features)
        elif len(shape) == 3 and not args.image_net:
            self._load = _image_input(args, shape).load
        else:
            self._load = _image_features(args, ops).compute

    @property
    def feature_count(self) -> int | None:
        """How many images the --features file holds, if one was given."""
        return None if self._features is None else len(self._features)

    def input_for(self, paths: Sequence[str], first: int = 0) -> np.ndarray | None:
        """The caption net's input for image files; of a features file, rows from `first` on."""
        if self._features is not None:
            return self._features[first : first + len(paths)]
        return None if self._load is None else self._load(paths)


def _image_features(args: argparse.Namespace, ops: Any) -> ImageFeatures:
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.deploy import load_deploy_net
    from caffe_lite.lrcn.image_features import ImageFeatures

    if not args.image_net:
        raise UsageError(
            f"the net {args.net} takes image features: give the convnet that "
            "makes them (--image-net), or --features FILE.npy"
        )
    weights = args.image_weights or args.weights
    net = load_deploy_net(args.image_net, weights, ops, last=args.feature)
    shape = net.blobs[net.inputs[0]].shape[1:] if net.inputs else ()
    return ImageFeatures(net, args.feature, _image_input(args, shape))


def _image_input(args: argparse.Namespace, shape: Sequence[int]) -> ImageInput:
    from caffe_lite.lrcn.image_input import ImageInput

    return ImageInput(shape, **image_options(args, shape, args.mean, IMAGENET_MEAN, (256, 256)))


def _read_features(path: str) -> np.ndarray:
    import numpy as np

    from caffe_lite.errors import DataError

    try:
        features = np.load(path, allow_pickle=False)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError):
        features = None
    if (
        not isinstance(features, np.ndarray)
        or features.dtype.kind not in "fiu"
        or (features.ndim < 2)
    ):
        raise DataError(
            f"{path}: not a file of features: one array (images, ...) of numbers, as "
            "numpy.save writes it, is expected"
        )
    return features

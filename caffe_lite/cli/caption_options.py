"""Options of `caption` and `retrieve`: the caption net with its files, and images for it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.unused_options import refuse

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.lrcn.captioner import Captioner
    from caffe_lite.lrcn.image_features import ImageFeatures
    from caffe_lite.lrcn.image_input import ImageInput

BATCH = 32  # images that are read and captioned together
FEATURE = "fc8"
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
        help="deploy prototxt of the caption net, which predicts the next word from words and an "
        "image, such as LRCN's lrcn_word_to_preds.deploy.prototxt",
    )
    add(nets, "weights", required=True, metavar="W[,W2]", help="caffemodel of the caption net")
    add(
        nets,
        "vocabulary",
        required=True,
        metavar="FILE",
        help="the words that the net was trained with, one per line",
    )
    add(
        nets,
        "image_net",
        metavar="NET",
        help="deploy prototxt of the convnet that computes the image features; not for a caption "
        "net that takes images itself",
    )
    add(
        nets,
        "image_weights",
        metavar="W[,W2]",
        help="caffemodel of the convnet (default: that of the caption net, if it holds both)",
    )
    add(
        nets,
        "feature",
        metavar="BLOB",
        help=f"blob of the convnet that the caption net reads (default {FEATURE})",
    )
    add(
        nets,
        "features",
        metavar="FILE.npy",
        help="precomputed features, an array (images, ...), instead of a convnet; for a "
        "sequence-to-sequence net (videos, frames, ...), or .npz with one array per video",
    )
    add(
        nets,
        "crops",
        type=int,
        choices=(1, 10),
        help="crops per image: 1, the centre (default), or 10 (corners, centre, mirrored), over "
        "which the features are averaged",
    )
    add_image_input(
        nets,
        "104,117,123 for nets of 224 or 227 pixels, else 0",
        "256,256 for nets of 224 or 227 pixels, else none",
    )
    add(nets, "gpu", metavar="ID", help=options.DEVICE_HELP)


def add_image_input(parser: Any, mean: str, resize: str) -> None:
    """Add --resize, --mean and --scale; `mean` and `resize` describe their defaults."""
    add = options.add_flag
    add(
        parser,
        "resize",
        metavar="H,W",
        help=f'resize whole images to this before cropping, or "none" (default {resize})',
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
        metavar="X",
        help="factor applied after the mean is subtracted (default 1)",
    )


def image_options(
    args: argparse.Namespace,
    shape: Sequence[int],
    mean: str | None,
    usual_mean: Any,
    usual_size: tuple[int, int],
) -> dict[str, Any]:
    """`resize`, `mean` and `scale` of an ImageInput of `shape` (C, H, W).

    `mean` is the option given, or None. Defaults are `usual_mean` (colour only) and `usual_size`
    for inputs of ImageNet's crop sizes; other inputs are neither resized nor shifted.
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
    scale = 1.0 if args.scale is None else args.scale
    return {"resize": resize, "mean": values, "scale": scale}


def parse_mean(given: str) -> Any:
    """Parse a number, numbers separated by commas, or read the mean image from a file."""
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
    """Expand folders among `given` to their image files, sorted by name."""
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


def refuse_twice(paths: Sequence[str], what: str) -> None:
    """Raise UsageError for a path that is given twice; `what` names a path's kind."""
    from caffe_lite.errors import UsageError

    seen: set[str] = set()
    for path in paths:
        if os.path.normpath(path) in seen:
            raise UsageError(f"{path} is given twice; give each {what} once")
        seen.add(os.path.normpath(path))


def annotated_paths(
    annotations: str, root: str, are_videos: bool, split: str | None = None
) -> list[tuple[Any, str]]:
    """(image id, path) of each image of a caption file under `root`, with or without captions.

    For videos the paths are folders of frames, found as `find_video` finds them.
    """
    from caffe_lite.data.frames import find_video
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.coco import read_annotations

    files = read_annotations(annotations, split).files
    if not files:
        raise DataError(f"{annotations}: the file lists no images")
    return [
        (image, find_video(root, name) if are_videos else os.path.join(root, name))
        for image, name in files.items()
    ]


def find_videos(given: Sequence[str]) -> list[str]:
    """Expand folders among `given` that hold no files to their subfolders, sorted by name."""
    found = []
    for path in given:
        names = sorted(os.listdir(path)) if os.path.isdir(path) else []
        inner = [os.path.join(path, name) for name in names if not name.startswith(".")]
        is_parent = bool(inner) and all(map(os.path.isdir, inner))
        found += inner if is_parent else [path]
    return found


class Describer:
    """A captioner, and the loader that turns image files or folders of frames into its input."""

    def __init__(self, args: argparse.Namespace) -> None:
        from caffe_lite.backend import get_ops
        from caffe_lite.lrcn.captioner import Captioner

        ops = get_ops(options.device(args.gpu))
        self.captioner: Captioner = Captioner.load(args.net, args.weights, args.vocabulary, ops)
        parts = self.captioner.parts
        self.takes_images = parts.image is not None
        self.takes_videos = parts.stage is not None
        self._features: Sequence[np.ndarray] | None = None
        self._load: Callable[[Sequence[str]], Any] | None = None
        shape = parts.net.blobs[parts.image].shape[1:] if parts.image else ()
        takes_pixels = len(shape) == 3 and not self.takes_videos
        _check_sources(args, self.takes_images, takes_pixels)
        if args.features:
            self._features = _read_features(args.features, self.takes_videos)
        elif takes_pixels and not args.image_net:
            images = _image_input(args, shape)
            self._load = lambda paths: images.load(paths, args.crops or 1)
        elif self.takes_videos:
            features = _image_features(args, ops)
            self._load = lambda folders: [features.compute(_frames(each)) for each in folders]
        elif self.takes_images:
            self._load = _image_features(args, ops).compute

    @property
    def feature_count(self) -> int | None:
        """The number of images in the --features file, if one was given."""
        return None if self._features is None else len(self._features)

    def input_for(self, paths: Sequence[str], first: int = 0) -> Any:
        """The caption net's input for image files; of a features file, rows from `first` on."""
        if self._features is not None:
            return self._features[first : first + len(paths)]
        return None if self._load is None else self._load(paths)


def _check_sources(args: argparse.Namespace, takes_images: bool, takes_pixels: bool) -> None:
    """Refuse options about images that the way in which the net gets them does not use."""
    from caffe_lite.errors import UsageError

    of_convnet, of_pixels = (
        ("image_net", "image_weights", "feature"),
        ("resize", "mean", "scale", "crops"),
    )
    if args.image_net and args.features:
        raise UsageError("--image-net and --features exclude each other; give one of them")
    if not takes_images:
        refuse(args, (*of_convnet, *of_pixels, "features"), "for a net without image input")
    elif args.features:
        refuse(args, (*of_convnet, *of_pixels), "with --features")
    elif takes_pixels and not args.image_net:
        refuse(args, of_convnet[1:], "for a caption net that takes images itself")


def _frames(folder: str) -> list[str]:
    """The frames of a video, in the order of their numbers."""
    from caffe_lite.data.frames import read_frame_folder

    found = read_frame_folder(folder)
    return [found.path(i) for i in range(found.count)]


def _image_features(args: argparse.Namespace, ops: Any) -> ImageFeatures:
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.deploy import load_deploy_net
    from caffe_lite.lrcn.image_features import ImageFeatures

    if not args.image_net:
        raise UsageError(
            f"the net {args.net} takes image features: give the convnet that "
            "computes them (--image-net), or --features FILE.npy"
        )
    weights, feature = args.image_weights or args.weights, args.feature or FEATURE
    net = load_deploy_net(args.image_net, weights, ops, last=feature)
    shape = net.blobs[net.inputs[0]].shape[1:] if net.inputs else ()
    net.optimize(not args.no_optimize)
    return ImageFeatures(net, feature, _image_input(args, shape), args.crops or 1)


def _image_input(args: argparse.Namespace, shape: Sequence[int]) -> ImageInput:
    from caffe_lite.lrcn.image_input import ImageInput

    return ImageInput(shape, **image_options(args, shape, args.mean, IMAGENET_MEAN, (256, 256)))


def _read_features(path: str, of_videos: bool) -> Sequence[np.ndarray]:
    """Features of images (n, ...), or of videos: (n, frames, ...) or a list of (frames, ...)."""
    import zipfile

    import numpy as np

    from caffe_lite.errors import DataError

    features: Any = None
    try:
        loaded = np.load(path, allow_pickle=False)
        features = [loaded[name] for name in loaded.files] if hasattr(loaded, "files") else loaded
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile):
        """Refused below."""
    arrays = features if isinstance(features, list) else [features]
    least = 2 + (of_videos and not isinstance(features, list))
    if (
        not arrays
        or (isinstance(features, list) and not of_videos)
        or not all(isinstance(each, np.ndarray) and each.dtype.kind in "fiu" for each in arrays)
        or min(each.ndim for each in arrays) < least
    ):
        wanted = "(videos, frames, ...), or .npz with one (frames, ...) per video"
        raise DataError(
            f"{path}: not a file of features: expected one array of numbers "
            f"{wanted if of_videos else '(images, ...)'}, as numpy.save writes it"
        )
    if not len(features):
        raise DataError(f"{path}: holds the features of no images")
    return features

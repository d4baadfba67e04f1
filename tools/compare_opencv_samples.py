"""The nets of OpenCV's sample programs, as those run them, through caffe_lite.dnn and OpenCV 4.

    python -m tools.compare_opencv_samples FOLDER

FOLDER holds NAME.prototxt, of a NAME in SAMPLES, and may hold NAME.caffemodel; without one the net
gets random weights, of which the largest output of each layer is near 1. Needs OpenCV 4 beside the
package. The picture is waves and noise. Prints the largest difference of each output relative to
its largest value, and exits with 1 if one exceeds 1e-4.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import caffe_lite.dnn as dnn
from caffe_lite import Net
from caffe_lite.proto import schema
from caffe_lite.weights import write_caffemodel
from tools.compare_with_opencv import DETECTION, detections, pictures

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Sample:
    """A sample's preprocessing: size (width, height), scale, mean; and the side of its picture."""

    size: tuple[int, int]
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    swap: bool = False
    channels: int = 3


SAMPLES = {
    "face_detector": Sample((300, 300), mean=(104, 177, 123)),
    "mobilenet_ssd": Sample((300, 300), 0.007843, (127.5, 127.5, 127.5)),
    "vgg_ssd": Sample((300, 300), mean=(104, 117, 123)),
    "faster_rcnn": Sample((800, 600), mean=(102.9801, 115.9465, 122.7717)),
    "rfcn": Sample((800, 600), mean=(102.9801, 115.9465, 122.7717)),
    "alexnet": Sample((227, 227), mean=(104, 117, 123)),
    "googlenet": Sample((224, 224), mean=(104, 117, 123)),
    "squeezenet": Sample((227, 227), mean=(104, 117, 123)),
    "resnet50": Sample((224, 224), mean=(104, 117, 123)),
    "openpose": Sample((368, 368), 1 / 255),
    "openpose_mpi": Sample((368, 368), 1 / 255),
    "colorization": Sample((224, 224), 1 / 255, (50, 0, 0), channels=1),
    "fcn": Sample((500, 500), swap=True),
    "hed": Sample((500, 500), mean=(104.00698793, 116.66876762, 122.67891434)),
}


def weights_of(definition: Path, target: Path, blob: np.ndarray) -> Path:
    """A caffemodel of random weights; each layer's are scaled by what comes out of it."""
    rng = np.random.default_rng(1)
    with Net(str(definition), schema.TEST, seed=1) as net:
        net.blobs[net.inputs[0]].reshape(*blob.shape)
        if "im_info" in net.inputs:
            net.blobs["im_info"].reshape(1, 3)
            net.blobs["im_info"].data[...] = (*blob.shape[2:], 1.6)
        net.blobs[net.inputs[0]].data[...] = blob
        for i, layer in enumerate(net.layers):
            for blob_ in layer.blobs:
                blob_.data[...] = rng.uniform(-1, 1, blob_.shape)
                if layer.type in ("BatchNorm", "Normalize", "Scale"):
                    blob_.data[...] = rng.uniform(0.5, 1.5, blob_.shape)
            net.forward(i, i)
            peak = max((float(np.abs(t.data).max()) for t in net.top_vecs[i] if t.count), default=0)
            if len(layer.blobs) and layer.type in ("Convolution", "InnerProduct", "Deconvolution"):
                for blob_ in layer.blobs:
                    blob_.data[...] *= 3 / peak
                net.forward(i, i)
        write_caffemodel(net, target)
    return target


def outputs(module: Any, files: list[str], picture: np.ndarray, sample: Sample) -> dict[str, Any]:
    """The net's outputs, by layer, as a sample program gets them."""
    net = module.readNet(*files)
    if sample.channels == 1:  # colorization: the sample sets the centres of the colours itself
        centres = np.random.default_rng(3).uniform(-90, 90, (2, 313, 1, 1)).astype(np.float32)
        net.getLayer(net.getLayerId("class8_ab")).blobs = [centres]
        rebalanced = np.full([1, 313], 2.606, np.float32)
        net.getLayer(net.getLayerId("conv8_313_rh")).blobs = [rebalanced]
    blob = module.blobFromImage(picture, sample.scale, sample.size, sample.mean, sample.swap)
    net.setInput(blob)
    if net.getLayer(0).outputNameToIndex("im_info") != -1:
        net.setInput(np.array([[sample.size[1], sample.size[0], 1.6]], np.float32), "im_info")
    names = net.getUnconnectedOutLayersNames()
    return dict(zip(names, net.forward(names), strict=True))


def difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Relative to the largest value; of detections, each with the nearest one."""
    if mine.shape != theirs.shape:
        return float("inf")
    if theirs.shape[-1] == DETECTION:
        mine, theirs = detections(mine), detections(theirs)
        if len(mine) != len(theirs):
            return float("inf")
        scale = np.maximum(1, np.abs(theirs).max(axis=0, initial=0))  # boxes may be pixels
        apart = (np.abs(mine[:, None] - theirs) / scale).max(axis=2)
        return float(max(apart.min(axis=0).max(), apart.min(axis=1).max())) if len(mine) else 0.0
    return float(np.abs(mine - theirs).max() / max(np.abs(theirs).max(), 1e-30))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    failed = False
    with tempfile.TemporaryDirectory() as made:
        for name, sample in SAMPLES.items():
            definition = folder / f"{name}.prototxt"
            if not definition.exists():
                print(f"{name:14} no {definition.name}")
                continue
            waves = pictures(1, (1, sample.channels, 480, 640))[0].transpose(1, 2, 0)
            picture = np.clip(waves + 128, 0, 255).astype(np.uint8)
            trained = folder / f"{name}.caffemodel"
            weights, kind = trained, "trained weights"
            if not trained.exists():
                blob = dnn.blobFromImage(picture, sample.scale, sample.size, sample.mean)
                weights, kind = (
                    weights_of(definition, Path(made) / "net.caffemodel", blob),
                    "random",
                )
            files = [str(definition), str(weights)]
            mine, theirs = (outputs(m, files, picture, sample) for m in (dnn, cv2.dnn))
            assert list(mine) == list(theirs)  # noqa: S101
            for layer, values in theirs.items():
                apart = difference(mine[layer], values)
                failed = failed or not apart <= TOLERANCE
                print(f"{name:14} {kind:15} {layer} {values.shape}: {apart:.2g}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

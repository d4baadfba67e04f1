"""Record what BVLC Caffe 1.0's own pycaffe makes of the tests' nets and images.

Run with the Python for which it was built, scikit-image and scipy installed:
`python tests/pycaffe/record.py`. scikit-image smooths before it shrinks since 0.15; that is
switched off here, as it was in the versions that Caffe 1.0 was used with.
"""

import functools
import json
import tempfile
from pathlib import Path

import caffe
import caffe.detector
import caffe.io
import numpy as np
from image_nets import NET, WEIGHTS, detections, predictions
from images import CROPS, RESIZES, image, transformers
from net_specs import SPECS
from walk import walk

FOLDER = Path(__file__).parent / "recorded"


def record_net_specs():
    nets = {name: str(spec(caffe)) for name, spec in SPECS.items()}
    (FOLDER / "net_specs.json").write_text(json.dumps(nets, indent=1) + "\n")


def record_images():
    arrays = {}
    for name, (shape, new_dims, order) in RESIZES.items():
        arrays[f"resize_{name}"] = caffe.io.resize_image(image(shape), new_dims, order)
    for name, (count, shape, crop_dims) in CROPS.items():
        images = [image(shape, seed=i) for i in range(count)]
        arrays[f"crops_{name}"] = caffe.io.oversample(images, crop_dims)
    for name, (transformer, given) in transformers(caffe.io.Transformer).items():
        arrays[f"preprocess_{name}"] = transformer.preprocess("data", given.copy())
        if name != "grey":  # of one channel, Caffe's own drops the axis and then misses it
            data = arrays[f"preprocess_{name}"]
            arrays[f"deprocess_{name}"] = transformer.deprocess("data", data)
    np.savez_compressed(FOLDER / "images.npz", **arrays)


class WholeNumbers:
    """numpy, but for rounding to integers, as Detector's indices need it by now."""

    def __getattr__(self, name):
        return getattr(np, name)

    def round(self, values):
        return np.round(values).astype(int)

    def clip(self, *args):
        return np.clip(*args).astype(int)


def record_image_nets():
    from PIL import Image

    caffe.detector.np = WholeNumbers()
    caffe.io.load_image = lambda name: np.asarray(Image.open(name)) / np.float32(255)
    with tempfile.TemporaryDirectory() as folder:
        net_file, image_file = f"{folder}/net.prototxt", f"{folder}/image.png"
        Path(net_file).write_text(NET)
        Image.fromarray((image((16, 14, 3)) * 255).astype(np.uint8)).save(image_file)
        caffe.set_random_seed(1)
        caffe.Net(net_file, caffe.TEST).save(str(WEIGHTS))
        arrays = predictions(caffe, net_file)
        arrays.update(detections(caffe, net_file, image_file))
    np.savez_compressed(FOLDER / "image_nets.npz", **arrays)


def record_walk():
    with tempfile.TemporaryDirectory() as folder:
        arrays, values = walk(caffe, folder)
    np.savez_compressed(FOLDER / "walk.npz", **arrays)
    (FOLDER / "walk.json").write_text(json.dumps(values) + "\n")


if __name__ == "__main__":
    caffe.io.resize = functools.partial(caffe.io.resize, anti_aliasing=False)
    record_net_specs()
    record_images()
    record_image_nets()
    record_walk()

"""Record what BVLC Caffe 1.0's own pycaffe makes of the tests' nets and images.

Run with the Python for which it was built, scikit-image and scipy installed:
`python tests/pycaffe/record.py`. scikit-image smooths before it shrinks since 0.15; that is
switched off here, as it was in the versions that Caffe 1.0 was used with.
"""

import functools
import json
from pathlib import Path

import caffe
import caffe.io
import numpy as np
from images import CROPS, RESIZES, image, transformers
from net_specs import SPECS

FOLDER = Path(__file__).parent / "recorded"


def record_net_specs():
    nets = {name: str(spec(caffe)) for name, spec in SPECS.items()}
    (FOLDER / "net_specs.json").write_text(json.dumps(nets, indent=1) + "\n")


def record_images():
    caffe.io.resize = functools.partial(caffe.io.resize, anti_aliasing=False)
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


if __name__ == "__main__":
    record_net_specs()
    record_images()

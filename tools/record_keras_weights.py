"""Record small Keras models for the tests of `caffe_lite import`: weights files and outputs.

    KERAS_BACKEND=torch python tools/record_keras_weights.py

Writes to tests/importer/keras/: images.h5 and sequences.h5 (the older form, a whole model),
images.weights.h5 and sequences.weights.h5 (Keras 3), and an input with its output for each model in
.npz files. Needs the package keras with any backend.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

FOLDER = Path(__file__).parent.parent / "tests" / "importer" / "keras"


def images() -> keras.Model:
    """Every layer of images with a layout of its own; odd sizes, so that no two are alike."""
    x = inputs = keras.Input((7, 6, 3))
    x = layers.Conv2D(4, (3, 2), name="conv")(x)
    x = layers.BatchNormalization(epsilon=0.01, name="norm")(x)
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.PReLU(shared_axes=(1, 2), name="prelu")(x)
    x = layers.Conv2DTranspose(5, 2, strides=2, name="up")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, name="fc")(x)
    return keras.Model(inputs, x)


def sequences() -> keras.Model:
    """Words through a table, an LSTM and a layer at each step."""
    x = inputs = keras.Input((5,))
    x = layers.Embedding(11, 6, name="words")(x)
    x = layers.LSTM(4, return_sequences=True, name="lstm")(x)
    return keras.Model(inputs, layers.Dense(3, name="predict")(x))


def main() -> None:
    rng = np.random.default_rng(0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for model, name, x in (
        (images(), "images", rng.normal(size=(2, 7, 6, 3))),
        (sequences(), "sequences", rng.integers(0, 11, (2, 5))),
    ):
        for variable in model.weights:
            positive = "variance" in variable.path
            shape = tuple(variable.shape)
            values = rng.uniform(0.5, 1.5, shape) if positive else rng.normal(size=shape) * 0.5
            variable.assign(values.astype(np.float32))
        given = x.astype(np.float32)
        np.savez(FOLDER / f"{name}.npz", x=given, y=np.asarray(model.predict(given, verbose=0)))
        model.save(FOLDER / f"{name}.h5")
        model.save_weights(FOLDER / f"{name}.weights.h5")


if __name__ == "__main__":
    main()

import numpy as np
import pytest

from caffe_lite.proto import schema
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X, Z = normal(2, 6, 4, 5), normal(1, 3, 2, 2)
LAYER = 'type: "Mean" mean_param { operation: %s %s }'
VALUES = "value: 1 value: -2 value: 0.5"

CASES = [Case("Mean", f"mean_param {{ operation: ADD {VALUES} input_scale: 0.5 }}",
              (spread(3, 3, 4, 5),))]  # fmt: skip
SAMPLES = {"Mean": (X,)}


@pytest.mark.parametrize("operation, sign", [("ADD", 1), ("SUBTRACT", -1)])
def test_values_of_channels(operation, sign):
    scales = "mean_scale: 0.5 input_scale: 3 output_scale: 0.25"
    run = make_layer(LAYER % (operation, f"{VALUES} {scales}"), [X, Z], tops=2)
    mean = np.array([1, -2, 0.5]).reshape(3, 1, 1)
    for x, y in zip((X, Z), run.forward(), strict=True):
        tiled = np.concatenate([mean] * (x.shape[1] // 3))
        np.testing.assert_allclose(y, 0.25 * (3 * x + sign * 0.5 * tiled), rtol=1e-12)
    check_layer(LAYER % (operation, f"{VALUES} {scales}"), [X, Z], tops=2)


def test_a_mean_image(tmp_path):
    mean = normal(3, 4, 5).astype(np.float32)
    blob = schema.BlobProto(num=1, channels=3, height=4, width=5)
    blob.data.extend(mean.ravel())
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    text = LAYER % ("SUBTRACT", f'file: "{tmp_path / "mean.binaryproto"}"')
    (y,) = make_layer(text, [X]).forward()
    np.testing.assert_allclose(y, X - np.concatenate([mean, mean]), rtol=1e-6)
    fails(text, [Z], "must be as large as")


def test_errors():
    fails('type: "Mean" mean_param { value: 1 }', [X], "needs operation")
    fails('type: "Mean" mean_param { operation: ADD }', [X], "file or value")
    fails(LAYER % ("ADD", VALUES + " value: 3"), [X], "4 channels does not divide")
    fails(LAYER % ("ADD", 'file: "none"'), [X], "mean_file none")

"""Scripts written for Caffe, unchanged: under `import caffe`, in a process of their own."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import caffe_lite
from caffe_lite.errors import UsageError

# LRCN's deploy net as it was written, smaller: T = 4 frames, ten crops.
DEPLOY = """
name: "lstm"
input: "data" input_dim: 40 input_dim: 3 input_dim: 8 input_dim: 8
input: "clip_markers" input_dim: 40 input_dim: 1 input_dim: 1 input_dim: 1
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 stride: 2
                            weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv" top: "fc6"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "reshape-data" type: "Reshape" bottom: "fc6" top: "fc6-reshape"
        reshape_param { shape { dim: 4 dim: 10 dim: 6 } } }
layer { name: "reshape-cm" type: "Reshape" bottom: "clip_markers" top: "reshape-cm"
        reshape_param { shape { dim: 4 dim: 10 } } }
layer { name: "lstm1" type: "LSTM" bottom: "fc6-reshape" bottom: "reshape-cm" top: "lstm1"
        recurrent_param { num_output: 5 weight_filler { type: "uniform" min: -0.9 max: 0.9 } } }
layer { name: "fc8" type: "InnerProduct" bottom: "lstm1" top: "fc8"
        inner_product_param { num_output: 7 axis: 2 weight_filler { type: "xavier" } } }
layer { name: "probs" type: "Softmax" bottom: "fc8" top: "probs" softmax_param { axis: 2 } }
"""

# In the way of LRCN's script for videos: clips of 4 every 2 frames, ten crops.
CLASSIFY_VIDEO = """
import glob, os, sys
caffe_root = '../../'
sys.path.insert(0, caffe_root + 'python')
import caffe
import numpy as np
caffe.set_mode_cpu()

def initialize_transformer(image_mean, is_flow):
    transformer = caffe.io.Transformer({'data': (40, 3, 8, 8)})
    channel_mean = np.zeros((3, 8, 8))
    for index, value in enumerate(image_mean):
        channel_mean[index, ...] = value
    transformer.set_mean('data', channel_mean)
    transformer.set_raw_scale('data', 255)
    transformer.set_channel_swap('data', (2, 1, 0))
    transformer.set_transpose('data', (2, 0, 1))
    transformer.set_is_flow('data', is_flow)
    return transformer

transformer = initialize_transformer([104, 117, 123], False)
frames = [caffe.io.load_image(name) for name in sorted(glob.glob(sys.argv[1] + '/*.png'))]
frames = [caffe.io.resize_image(frame, (9, 11)) for frame in frames]
clips = []
for i in range(0, len(frames), 2):
    clips.extend(frames[i:i + 4] if i + 4 < len(frames) else frames[-4:])
net = caffe.Net('deploy.prototxt', 'w.caffemodel', caffe.TEST)
answers = np.zeros((len(clips), 7))
for i in range(0, len(clips), 4):
    crops = caffe.io.oversample(clips[i:i + 4], [8, 8])
    markers = np.ones((crops.shape[0], 1, 1, 1))
    markers[0:10, :, :, :] = 0
    caffe_in = np.zeros(np.array(crops.shape)[[0, 3, 1, 2]], dtype=np.float32)
    for ix, crop in enumerate(crops):
        caffe_in[ix] = transformer.preprocess('data', crop)
    out = net.forward_all(data=caffe_in, clip_markers=np.array(markers))
    answers[i:i + 4] = np.mean(out['probs'], 1)
np.save('answers.npy', answers)
"""


def run(folder, script, *arguments):
    (folder / "script.py").write_text(script)
    command = [sys.executable, "-W", "error", "-m", "caffe_lite.pycaffe", "script.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def one_stream(params, frames):
    """Probabilities (T, 7) of frames (T, 3, 8, 8), by the formulas."""
    (wc, bc), (w6, b6), (wx, b, wh), (w8, b8) = (params[name] for name in PARAMS)
    c = h = np.zeros(5)
    answers = []
    for frame in frames:
        conv = np.array(
            [
                [[(frame[:, i : i + 3, j : j + 3] * w).sum() for j in (0, 2, 4)] for i in (0, 2, 4)]
                for w in wc
            ]
        )
        x = w6 @ np.maximum(conv + bc[:, None, None], 0).ravel() + b6
        i, f, o, g = np.split(wx @ x + b + wh @ h, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        scores = np.exp(w8 @ h + b8)
        answers.append(scores / scores.sum())
    return np.array(answers)


PARAMS = ("conv", "fc6", "lstm1", "fc8")


def test_a_video_is_classified_as_by_hand(tmp_path):
    import caffe_lite.pycaffe as caffe

    (tmp_path / "deploy.prototxt").write_text(DEPLOY)
    net = caffe.Net(str(tmp_path / "deploy.prototxt"), caffe.TEST)
    net.save(str(tmp_path / "w.caffemodel"))
    frames = np.random.RandomState(0).randint(0, 256, (7, 9, 11, 3)).astype(np.uint8)
    for t, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{t}.png")
    done = run(tmp_path, CLASSIFY_VIDEO, ".")
    assert done.returncode == 0, done.stderr

    params = {name: [blob.data.astype(float) for blob in net.params[name]] for name in PARAMS}
    mean = np.array([104, 117, 123]).reshape(3, 1, 1)
    expected = []
    for start in (0, 2, 3, 3):
        streams = []
        for top, left in [(0, 0), (0, 3), (1, 0), (1, 3), (0, 1)]:
            crops = frames[start : start + 4, top : top + 8, left : left + 8].astype(float)
            data = crops.transpose(0, 3, 1, 2)[:, ::-1] - mean
            streams += [one_stream(params, data), one_stream(params, data[..., ::-1])]
        expected.append(np.mean(streams, axis=0))
    answers = np.load(tmp_path / "answers.npy")
    np.testing.assert_allclose(answers, np.concatenate(expected), rtol=1e-3, atol=1e-5)


IMPORTS = """
import caffe
import caffe.io
import caffe.proto.caffe_pb2 as pb
from caffe import layers as L, params as P, to_proto
from caffe.proto import caffe_pb2
from caffe.io import Transformer
from caffe.coord_map import crop
from caffe.net_spec import Top
from google.protobuf import text_format

assert Transformer is caffe.io.Transformer and pb is caffe_pb2 is caffe.proto.caffe_pb2
assert isinstance(L.Input(shape=dict(dim=1)), Top) and P.Pooling.MAX == 0

class Double(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        top[0].data[...] = self.factor * bottom[0].data
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.factor * top[0].diff

if __name__ == '__main__':
    import sys
    n = caffe.NetSpec()
    n.x = L.Input(shape=dict(dim=[2, 3]))
    n.y = L.Python(n.x, module='script', layer='Double', param_str='2')
    param = caffe_pb2.NetParameter()
    text_format.Merge(str(n.to_proto()), param)
    open('net.prototxt', 'w').write('force_backward: true ' + str(param))
    net = caffe.Net('net.prototxt', phase=caffe.TEST)
    net.blobs['x'].data[...] = 3
    print(net.forward()['y'].sum(), net.backward(y=net.blobs['x'].data)['x'].sum())
    print(sys.argv, __file__, caffe.__version__)
"""


def test_imports_and_a_layer_of_the_script(tmp_path):
    done = run(tmp_path, IMPORTS, "a", "-b")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "36.0 36.0\n['script.py', 'a', '-b'] script.py 1.0.0\n"


def test_a_script_that_fails_shows_where(tmp_path):
    done = run(tmp_path, "import caffe\ncaffe.Net('none.prototxt', caffe.TEST)\n")
    assert done.returncode == 1
    assert 'script.py", line 2' in done.stderr
    assert "none.prototxt" in done.stderr.splitlines()[-1]


def test_no_script_is_told(tmp_path):
    command = [sys.executable, "-m", "caffe_lite.pycaffe", "none.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "none.py is not a file; usage: python -m caffe_lite.pycaffe [--cpu] script.py [...]\n"
    )


@pytest.fixture
def modules():
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "caffe"}
    for name in kept:
        del sys.modules[name]
    yield sys.modules
    for name in [name for name in sys.modules if name.split(".")[0] == "caffe"]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_another_caffe_is_not_replaced(modules):
    modules["caffe"] = other = type(sys)("caffe")
    other.__file__ = "/opt/caffe/__init__.py"
    with pytest.raises(UsageError, match="from /opt/caffe/__init__.py; call install_as_caffe"):
        caffe_lite.install_as_caffe()
    assert modules["caffe"] is other


def test_installing_twice_is_installing_once(modules):
    caffe_lite.install_as_caffe()
    first = modules["caffe"]
    caffe_lite.install_as_caffe()
    assert modules["caffe"] is first is sys.modules["caffe_lite.pycaffe"]
    assert modules["caffe.io"] is sys.modules["caffe_lite.pycaffe.io"]


def test_a_script_for_the_gpu_runs_on_the_cpu_with_the_option(tmp_path):
    (tmp_path / "script.py").write_text(
        "import sys, caffe\ncaffe.set_mode_gpu()\ncaffe.set_device(99)\nprint(sys.argv[1:])\n"
    )
    command = [sys.executable, "-m", "caffe_lite.pycaffe", "--cpu", "script.py", "--cpu", "x"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['--cpu', 'x']\n", "")

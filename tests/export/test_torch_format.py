"""`caffe_lite export --to torch`, `--to safetensors` and `--to npz`."""

import importlib.util
import json

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.nets.net import Net
from caffe_lite.weights import read_weights, write_caffemodel
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.safetensors import read_tensors

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 7 dim: 6 } } }
layer { name: "conv/1" type: "Convolution" bottom: "data" top: "conv/1"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" }
                            bias_filler { type: "gaussian" } } }
layer { name: "relu" type: "ReLU" bottom: "conv/1" top: "conv/1" }
layer { name: "pool" type: "Pooling" bottom: "conv/1" top: "pool"
        pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 2 } }
layer { name: "lrn" type: "LRN" bottom: "pool" top: "lrn" lrn_param { alpha: 0.5 } }
layer { name: "a" type: "Convolution" bottom: "lrn" top: "a" param { name: "w" }
        convolution_param { num_output: 4 kernel_size: 1 bias_term: false
                            weight_filler { type: "xavier" } } }
layer { name: "b" type: "Convolution" bottom: "a" top: "b" param { name: "w" }
        convolution_param { num_output: 4 kernel_size: 1 bias_term: false } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum"
        eltwise_param { coeff: 0.5 coeff: -2 } }
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """net.prototxt and net.caffemodel in a folder of their own, which is the working one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    with Net("net.prototxt", seed=3) as net:
        write_caffemodel(net, "net.caffemodel")
    return tmp_path


EXPORT = ["export", "net.prototxt", "--weights", "net.caffemodel"]


@pytest.mark.parametrize("format_name", ["safetensors", "npz"])
def test_weights_alone(files, capsys, format_name):
    assert main([*EXPORT, "--to", format_name]) == 0
    shown = capsys.readouterr().out
    assert f"net.{format_name}: written" in shown and "4 blobs compared, all within" in shown
    got, want = read_weights(f"net.{format_name}"), read_weights("net.caffemodel")
    for name in want:
        for a, b in zip(got.stored.get(name, []), want.stored[name], strict=False):
            assert a.array().tobytes() == b.array().tobytes()
    assert 'name: "conv/1"' in got.definition


def test_without_the_proof(files, capsys):
    """Needs no PyTorch; the file says that nothing was compared."""
    assert main([*EXPORT, "--to", "torch", "--no-check", "--out", "out_net.py"]) == 0
    assert capsys.readouterr().out.startswith("out_net.py: written\nout_net.safetensors: written\n")
    tensors, texts = read_tensors(MappedFile("out_net.safetensors"))
    assert texts["checked"] == "no" and 'name: "conv/1"' in texts["definition"]
    assert json.loads(texts["blobs"])["conv_1.weight"] == "conv/1/0"
    assert set(tensors) == {"conv_1.weight", "conv_1.bias", "a.weight", "b.weight"}
    assert "self.b.weight = self.a.weight  # one blob" in (files / "out_net.py").read_text()


def test_proof_needs_torch(files, capsys):
    if importlib.util.find_spec("torch"):
        pytest.skip("PyTorch is installed")
    assert main([*EXPORT, "--to", "torch"]) == 1
    assert "needs the package torch: pip install caffe_lite[torch]" in capsys.readouterr().err
    assert not (files / "net.py").exists()


def test_names_of_files(files, capsys):
    for name in ("my-net.py", "net.txt", "2nd.py"):
        assert main([*EXPORT, "--to", "torch", "--no-check", "--out", name]) == 2
        assert f"--out {name}: a module's name is an identifier" in capsys.readouterr().err
    assert main([*EXPORT, "--to", "torch", "--opset", "17"]) == 2


def test_a_refusal_writes_nothing(files, capsys):
    odd = NET + 'layer { name: "d" type: "Dropout" bottom: "sum" top: "d" dropout_param {'
    (files / "net.prototxt").write_text(odd + " sample_weights_test: true } }")
    assert main([*EXPORT, "--to", "torch", "--no-check"]) == 1
    assert 'layer "d" (Dropout): random numbers in the TEST phase' in capsys.readouterr().err
    assert sorted(each.name for each in files.iterdir()) == ["net.caffemodel", "net.prototxt"]


def test_the_proof(files, capsys):
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")
    np.save("mean.npy", np.array([3, 4, 5.0]))
    options = ["--mean", "mean.npy", "--scale", "0.5", "--bgr", "--check-backward"]
    assert main([*EXPORT, "--to", "torch", *options]) == 0
    shown = capsys.readouterr().out
    assert "inputs: data 2x3x7x6\n" in shown and shown.count("inputs: data") == 3
    assert "gradient of a.weight" in shown and "gradient of conv_1.bias" in shown
    assert "all within 0.0001" in shown
    from caffe_lite.export.torch.run import load_net

    net = load_net(files / "net.py")
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    net.train()(torch.rand(5, 3, 9, 8)).square().sum().backward()
    optimizer.step()
    assert all((p != before[name]).any() for name, p in net.named_parameters())


def test_a_difference_is_named(files, capsys, monkeypatch):
    pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")
    from caffe_lite.export.torch import registry
    from caffe_lite.layers.relu import ReLU

    wrong = {**registry.emitters(), ReLU: lambda site: registry.Code(f"{site.x[0]}.abs()")}
    monkeypatch.setattr(registry, "emitters", lambda: wrong)
    assert main([*EXPORT, "--to", "torch"]) == 1
    assert 'the first that differs is "conv/1"' in capsys.readouterr().out


def test_gradients_that_an_in_place_layer_spoils(tmp_path, monkeypatch, capsys):
    """The net's own gradient is wrong there, as Caffe's is; it is compared with the right one."""
    pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text("""
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "tanh" type: "TanH" bottom: "x" top: "y" }
layer { name: "power" type: "Power" bottom: "y" top: "y" power_param { scale: 2 shift: 1 } }
""")
    assert main(["export", "net.prototxt", "--to", "torch", "--check-backward"]) == 0
    shown = capsys.readouterr().out
    assert 'layer "tanh" (TanH) needs the data of "y"' in shown and "gradient of x" in shown

"""`caffe_lite import`: the map, guessed and edited, its errors, and PyTorch's layouts."""

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.importer.expressions import Expression, StepError
from caffe_lite.nets.net import Net
from caffe_lite.weights import read_weights
from caffe_lite.weights.safetensors import write_tensors
from caffe_lite.weights.stored import ArrayBlob
from tests.importer.import_nets import IMAGES, SEQUENCES

TWINS = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
        inner_product_param { num_output: 5 } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b"
        inner_product_param { num_output: 5 bias_term: false } }
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that imports named arrays into a net: exit code, output, error."""
    monkeypatch.chdir(tmp_path)

    def run(prototxt, tensors, *options, texts=None):
        (tmp_path / "net.prototxt").write_text(prototxt)
        blobs = {k: ArrayBlob(np.asarray(v, np.float32)) for k, v in tensors.items()}
        write_tensors(blobs, texts or {}, "x.safetensors")
        given = options or ("--out", "net.caffemodel")
        code = main(["import", "net.prototxt", "--from", "x.safetensors", *given])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def numbers(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def linear(name, outputs=5, inputs=5, bias=True):
    weights = {f"{name}.weight": numbers(outputs, inputs)}
    return weights | ({f"{name}.bias": numbers(outputs)} if bias else {})


def test_order_decides_between_equal_shapes(run):
    net = TWINS.replace("bias_term: false", "")
    code, out, _ = run(net, linear("layers.2") | linear("layers.10"))
    assert code == 0
    assert out.splitlines()[:4] == [
        "a/0 = layers.2.weight",
        "a/1 = layers.2.bias",
        "b/0 = layers.10.weight",
        "b/1 = layers.10.bias",
    ]
    weights = read_weights("net.caffemodel")
    np.testing.assert_array_equal(weights["b"][0], numbers(5, 5))


def test_names_come_before_order(run):
    net = TWINS.replace("bias_term: false", "")
    code, out, _ = run(net, linear("model.b") | linear("model.c"))
    assert code == 0 and "b/0 = model.b.weight" in out and "a/0 = model.c.weight" in out


def test_the_prefix_of_parallel_training(run):
    tensors = linear("module.a") | linear("module.b", bias=False)
    code, out, _ = run(TWINS, tensors)
    assert code == 0 and "a/0 = a.weight" in out


def test_ambiguous_and_missing(run, tmp_path):
    net = TWINS.replace("bias_term: false", "")
    three = linear("x") | linear("y") | linear("z")
    code, out, err = run(net, three)
    assert code == 1 and not (tmp_path / "net.caffemodel").exists()
    assert err.count("\n") == 1
    assert 'layer "a" (InnerProduct: 5 x 5, 5): ambiguous' in err and "x, y, z" in err
    assert "a/0 = ?" in out
    code, out, err = run(net, linear("x", outputs=7) | linear("y"))
    assert code == 1 and "ambiguous" in err
    code, out, err = run(net, linear("x", outputs=7))
    assert code == 1 and "nothing in the checkpoint fits, and 1 more" in err


def test_an_edited_map(run, tmp_path):
    net = TWINS.replace("bias_term: false", "")
    three = linear("x") | linear("y") | linear("z")
    code, _, _ = run(net, three, "--save-map", "map.txt")
    assert code == 0
    text = (tmp_path / "map.txt").read_text()
    assert text.count("= ?") == 4 and "# layer " in text
    code, _, err = run(net, three, "--map", "map.txt", "--out", "w.npz")
    assert code == 1 and "map.txt:2: replace the question mark" in err
    (tmp_path / "map.txt").write_text(
        "# mine\na/0 = z.weight : transpose\na/1 = x.bias + y.bias\n\nb/0 = y.weight\nb/1 = 0.25\n"
    )
    code, out, _ = run(net, three, "--map", "map.txt", "--out", "w.npz")
    assert code == 0 and "not used: x.weight, z.bias" in out
    weights = read_weights("w.npz")
    np.testing.assert_array_equal(weights["a"][0], three["z.weight"].T)
    np.testing.assert_array_equal(weights["a"][1], three["x.bias"] + three["y.bias"])
    np.testing.assert_array_equal(weights["b"][1], np.full(5, 0.25))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a/0 x.weight", 'm:1: expected "<layer>/<number> = <tensor>"'),
        ("c/0 = x.weight", 'm:1: the net has no blob "c/0"'),
        ("a/0 = x.wieght", 'the checkpoint has no tensor "x.wieght"; did you mean "x.weight"?'),
        ("a/0 = x.weight\na/0 = x.weight", 'm:2: blob "a/0" is there twice'),
        ("a/0 = x.weight : turn", 'm:1: unknown step "turn"'),
        ("a/0 = x.bias\na/1 = x.bias\nb/0 = 1", 'blob "a/0" = x.bias: is 5, the blob 5 x 5'),
        ("a/0 = x.weight\na/1 = x.bias", 'the map has no line for blob "b/0"'),
        ("a/0 = x.weight : gates ifxo\na/1 = 0\nb/0 = 0", "gates ifxo does not fit 5 x 5"),
        ("a/0 = x.weight : hwc 2,2\na/1 = 0\nb/0 = 0", "hwc 2,2 does not fit 5 x 5"),
        ("a/0 = x.weight + x.bias\na/1 = 0\nb/0 = 0", "cannot add 5 x 5 and 5"),
    ],
)
def test_maps_that_are_wrong(run, tmp_path, line, says):
    (tmp_path / "m").write_text(line)
    code, _, err = run(TWINS, linear("x"), "--map", "m", "--out", "w.caffemodel")
    assert code == 1 and says in err and err.count("\n") == 1
    assert not (tmp_path / "w.caffemodel").exists()


def test_options(run, tmp_path):
    code, _, err = run(TWINS, linear("x"), "--out", "w.bin")
    assert code == 2 and "w.bin: unknown suffix .bin" in err
    (tmp_path / "x.txt").write_text("text")
    assert main(["import", "net.prototxt", "--from", "x.txt", "--out", "w.npz"]) == 2
    assert main(["import", "net.prototxt", "--from", "x.safetensors"]) == 2


def test_what_export_wrote_comes_back(run, tmp_path, capsys):
    """The file of `export --to torch` says itself which tensor is which blob."""
    net = TWINS.replace("num_output: 5", "num_output: 5 transpose: true", 1)
    (tmp_path / "net.prototxt").write_text(net)
    from caffe_lite.weights import write_caffemodel

    filled = net.replace("num_output: 5", 'num_output: 5 weight_filler { type: "gaussian" }')
    (tmp_path / "filled.prototxt").write_text(filled)
    with Net("filled.prototxt", seed=1) as made:
        write_caffemodel(made, "w.caffemodel")
    options = ["--weights", "w.caffemodel", "--to", "torch", "--no-check", "--out", "net.py"]
    assert main(["export", "net.prototxt", *options]) == 0
    source = ["--from", "net.safetensors", "--out", "back.caffemodel"]
    assert main(["import", "net.prototxt", *source]) == 0
    assert "a/0 = a.weight : transpose" in capsys.readouterr().out
    want, got = read_weights("w.caffemodel"), read_weights("back.caffemodel")
    for name in want:
        for a, b in zip(want[name], got[name], strict=True):
            np.testing.assert_array_equal(a, b)


def test_gates():
    rows = np.arange(8.0).reshape(8, 1)  # i, i, f, f, g, g, o, o
    made = Expression(("x",), ("gates ifgo",)).evaluate({"x": rows}, (8, 1))
    assert made[:, 0].tolist() == [0, 1, 2, 3, 6, 7, 4, 5]
    with pytest.raises(StepError, match="does not fit"):
        Expression(("x",), ("gates ifgo",)).evaluate({"x": rows[:7]}, (7, 1))


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")


def images_in_torch(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 4, (3, 2)),
        nn.BatchNorm2d(4, eps=0.01),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.PReLU(4),
        nn.ConvTranspose2d(4, 5, 2, stride=2),
        nn.Flatten(),
        nn.Linear(500, 8),
    )


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".npz"])
def test_images_of_pytorch(torch, tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = images_in_torch(torch)
    model.train()(torch.randn(4, 3, 7, 6))  # running statistics
    model.eval()
    state = model.state_dict()
    if suffix == ".pth":
        torch.save({"state_dict": state, "epoch": 3}, "x.pth")
    elif suffix == ".npz":
        np.savez("x.npz", **{name: value.numpy() for name, value in state.items()})
    else:
        write_tensors({k: ArrayBlob(v.numpy()) for k, v in state.items()}, {}, "x.safetensors")
    (tmp_path / "net.prototxt").write_text(IMAGES)
    assert main(["import", "net.prototxt", "--from", f"x{suffix}", "--out", "w.caffemodel"]) == 0
    x = torch.randn(2, 3, 7, 6)
    with Net("net.prototxt", seed=0) as net:
        net.copy_trained_layers_from("w.caffemodel")
        net.blobs["data"].data[...] = x.numpy()
        net.forward()
        want = model(x).detach().numpy()
        np.testing.assert_allclose(net.blobs["fc"].data, want, rtol=1e-4, atol=1e-5)


def test_sequences_of_pytorch(torch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(1)
    words, lstm, predict = torch.nn.Embedding(11, 6), torch.nn.LSTM(6, 4), torch.nn.Linear(4, 3)
    model = torch.nn.ModuleDict({"words": words, "rnn": lstm, "out": predict})
    torch.save(model.state_dict(), "x.pth")
    (tmp_path / "net.prototxt").write_text(SEQUENCES)
    assert main(["import", "net.prototxt", "--from", "x.pth", "--out", "w.caffemodel"]) == 0
    ids = torch.randint(0, 11, (5, 2))
    with Net("net.prototxt", seed=0) as net:
        net.copy_trained_layers_from("w.caffemodel")
        net.blobs["ids"].data[...] = ids.numpy()
        net.blobs["cont"].data[...] = np.arange(5)[:, None] > 0
        net.forward()
        want = predict(lstm(words(ids))[0]).detach().numpy()
        np.testing.assert_allclose(net.blobs["predict"].data, want, rtol=1e-4, atol=1e-5)


def test_a_file_that_needs_code(torch, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.save(torch.nn.Linear(2, 3), "x.pth")
    (tmp_path / "net.prototxt").write_text(TWINS)
    assert main(["import", "net.prototxt", "--from", "x.pth", "--out", "w.caffemodel"]) == 1
    err = capsys.readouterr().err
    assert "x.pth: cannot be read without running code from it" in err and err.count("\n") == 1
    torch.save([1, 2], "x.pth")
    assert main(["import", "net.prototxt", "--from", "x.pth", "--out", "w.caffemodel"]) == 1
    assert "holds no dict of tensors" in capsys.readouterr().err

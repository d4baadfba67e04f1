import sys
import textwrap

import numpy as np
import pytest

from caffe_lite import plugins
from caffe_lite.errors import LayerError
from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import normal

MODULE = """
import caffe
import numpy as np


class Multiply(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)
        self.blobs.add_blob(2, 1)
        self.blobs[0].data[...] = [[0.5], [3]]

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.factor * self.blobs[0].data[1, 0] * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[1, 0] += self.factor * (top[0].diff * bottom[0].data).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * self.blobs[0].data[1, 0] * top[0].diff


class Phase(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = self.phase


class Grow(caffe.Layer):
    calls = 0

    def reshape(self, bottom, top):
        self.calls += 1
        top[0].reshape(self.calls)
        top[1].reshape(1, 2)

    def forward(self, bottom, top):
        top[0].data[...] = self.calls
        top[1].data[...] = top[0].num

    def get_state(self):
        return {"calls": self.calls}

    def set_state(self, state):
        self.calls = state["calls"]


class Keeps(caffe.Layer):
    # Its own attributes have names that this package's layers use too.
    def setup(self, bottom, top):
        self.rng = np.random.RandomState(1)
        self.train, self.stream = "train.txt", [4]

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = self.rng.randint(3, 9) + len(self.train) + self.stream[0]


class Broken(Multiply):
    def forward(self, bottom, top):
        np.zeros(3).reshape(2, 2)


class NoBackward(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        pass


not_a_layer = 3
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """A module `user_layers` in the working directory; afterwards its imports are forgotten."""
    (tmp_path / "user_layers.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.split(".")[0] != "caffe_lite":
            del sys.modules[name]


def text(layer, module="user_layers", tops=1, param="2"):
    names = "top: 't' " * tops
    return (
        f'name: "mine" type: "Python" {names} python_param {{ '
        f'module: "{module}" layer: "{layer}" param_str: "{param}" }}'
    )


def fails(prototxt, *parts):
    with pytest.raises(LayerError) as caught:
        make_layer(prototxt, [normal(2, 3)]).forward()
    message = str(caught.value)
    assert message.startswith('layer "mine" (Python): ')
    for part in parts:
        assert part in message, message
    return caught.value


def test_runs_the_users_four_methods():
    x = normal(2, 3)
    np.testing.assert_allclose(make_layer(text("Multiply"), [x]).forward()[0], 6 * x)
    results = check_layer(text("Multiply"), [x])
    assert [r.blob for r in results] == ["bottom[0]", "blobs[0]"]


@pytest.mark.parametrize("phase, number", [("TRAIN", 0), ("TEST", 1)])
def test_phase(phase, number):
    assert make_layer(text("Phase"), [], phase=phase).forward()[0].tolist() == [number]


def test_the_older_name_of_param_str():
    assert make_layer(text("Phase", param="a b")).layer.param_str_ == "a b"


def test_reshape_runs_before_every_forward():
    run = make_layer(text("Grow", tops=2))
    assert run.forward()[0].tolist() == [2, 2]
    sized, counted = run.forward()
    assert sized.tolist() == [3, 3, 3]
    assert counted.tolist() == [[3, 3]]


def test_state_is_the_users():
    run = make_layer(text("Grow", tops=2))
    run.forward()
    state = run.layer.get_state()
    run.forward()
    run.layer.set_state(state)
    assert run.forward()[0].tolist() == [3, 3, 3]


def test_what_the_user_keeps_is_found_on_the_layer():
    assert make_layer(text("Multiply"), [normal(2, 3)]).layer.factor == 2
    with pytest.raises(AttributeError, match="nosuch"):
        _ = make_layer(text("Multiply"), [normal(2, 3)]).layer.nosuch


def test_the_user_may_keep_what_the_base_names_too():
    run = make_layer(text("Keeps"), [])
    state = run.layer.get_state()
    assert 16 <= run.forward()[0][0] < 22
    run.layer.set_state(state)
    assert 16 <= run.forward()[0][0] < 22


def test_module_on_the_path(module, monkeypatch, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "package").mkdir()
    (folder / "package" / "parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(folder))
    assert make_layer(text("Phase", module="package.parts"), []).forward()


def test_import_caffe_means_this_package_where_no_other_is_there():
    make_layer(text("Phase"), [])
    import caffe_lite.pycaffe

    assert sys.modules["caffe"] is caffe_lite.pycaffe


def test_errors_of_the_user_carry_layer_and_line():
    line = 1 + MODULE.splitlines().index("        np.zeros(3).reshape(2, 2)")
    error = fails(text("Broken"), f"user_layers.py:{line}", "Broken failed at", "ValueError")
    assert isinstance(error.__cause__, ValueError)
    fails(text("Multiply", param="two"), "user_layers.py:8", "could not convert")


def test_missing_module():
    fails(
        text("A", module="nowhere.to_be"),
        'module "nowhere.to_be" was not found',
        "PYTHONPATH",
        "nowhere.to_be.py",
    )


def test_module_that_needs_a_missing_one(module):
    (module / "needy.py").write_text("import nosuchmodule")
    fails(text("A", module="needy"), 'module "needy" needs', "nosuchmodule")


def test_module_that_cannot_be_imported(module):
    (module / "wrong.py").write_text("def f(:\n")
    fails(text("A", module="wrong"), 'module "wrong" cannot be imported', "SyntaxError")


def test_missing_class():
    fails(
        text("Multiplied"), 'has no layer "Multiplied"; did you mean "Multiply"?', "user_layers.py"
    )
    fails(text("not_a_layer"), "must be a class that derives from caffe_lite.pycaffe.Layer")
    fails('name: "mine" type: "Python" python_param { layer: "A" }', "module", "layer")


def test_without_a_backward_pass():
    run = make_layer(text("NoBackward"), [normal(2, 3)])
    run.forward()
    with pytest.raises(LayerError, match="no backward pass"):
        run.backward()


def test_shipped_modules_stand_in_for_missing_ones(module, monkeypatch):
    folder = module / "shipped_package"
    folder.mkdir()
    (folder / "inner.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.setitem(plugins._shipped, "old_name", "shipped_package.inner")
    x = normal(2, 3)
    np.testing.assert_allclose(
        make_layer(text("Multiply", module="old_name"), [x]).forward()[0], 6 * x
    )
    (module / "old_name.py").write_text(MODULE.replace("[3]", "[4]"))
    np.testing.assert_allclose(
        make_layer(text("Multiply", module="old_name"), [x]).forward()[0], 8 * x
    )


def test_a_device_layer_sees_host_arrays():
    """On another device the user's arrays are copies that go back after each call."""

    class Device:
        """CPU arrays that are handed out as copies, as a GPU's are."""

        def __init__(self, ops):
            self.ops, self.name = ops, "device"

        def __getattr__(self, name):
            return getattr(self.ops, name)

        def to_host(self, array):
            return np.array(array)

    from caffe_lite.backend import get_ops

    x = normal(2, 3)
    results = check_layer(text("Multiply"), [x], ops=Device(get_ops(dtype="float64")))
    assert [r.blob for r in results] == ["bottom[0]", "blobs[0]"]

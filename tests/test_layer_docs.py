"""Layer pages: in step with docstrings and schema, complete, and with samples that run."""

import importlib.util
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.layers import describe
from caffe_lite.layers.base import Layer
from caffe_lite.layers.builtin import BUILTIN, messages_of
from caffe_lite.layers.registry import layer_class, register
from caffe_lite.proto import schema
from caffe_lite.testing import make_layer
from caffe_lite.testing.harness import default_propagate_down
from tests.layer_sources import make_sources

ROOT = Path(__file__).parent.parent
TYPES = sorted(BUILTIN)
RNG = np.random.default_rng(17)

# Shapes of the samples' bottoms; labels and the like as data.
X = RNG.normal(size=(2, 3, 8, 9))
LABELS = np.array([1.0, 0])
BOTTOMS = {
    "Accuracy": (X[:, :, 0, 0], LABELS),
    "BatchReindex": (X, LABELS),
    "Bias": (X,),
    "Concat": (X, X[:, :2]),
    "ContrastiveLoss": (X[:, :, 0, 0], X[:, :, 1, 0], LABELS),
    "Crop": (X, X[:, :, :5, :6]),
    "Eltwise": (X, X + 1),
    "Embed": (RNG.integers(0, 11, (4, 3)).astype(float),),
    "EuclideanLoss": (X, X + 1),
    "Filter": (X, LABELS),
    "HDF5Output": (X, LABELS),
    "HingeLoss": (X[:, :, 0, 0], LABELS),
    "InfogainLoss": (X[:, :, 0, 0], LABELS, np.eye(3)),
    "LSTM": (X[:, :, 0], np.ones((2, 3))),
    "LSTMUnit": (X[:1, :, 0, :2], X[:1, :, 0, :8], np.ones((1, 3))),
    "MultinomialLogisticLoss": (np.full((2, 3), 0.25), LABELS),
    "RNN": (X[:, :, 0], np.ones((2, 3))),
    "SigmoidCrossEntropyLoss": (X[:, :, 0, 0], (X[:, :, 1, 0] > 0).astype(float)),
    "SoftmaxWithLoss": (X[:, :, 0, 0], LABELS),
}


@pytest.fixture(scope="module")
def generator():
    path = ROOT / "tools" / "gen_layer_docs.py"
    spec = importlib.util.spec_from_file_location("gen_layer_docs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_comments_are_up_to_date(generator):
    made = generator.comments_of(generator.SCHEMA.read_text())
    assert json.loads(generator.COMMENTS.read_text()) == made, "run tools/gen_layer_docs.py"


def test_pages_are_up_to_date(generator):
    made = generator.pages()
    assert set(generator.PAGES.glob("*")) == set(made), "run tools/gen_layer_docs.py"
    for path, text in made.items():
        assert path.read_text() == text, f"{path.name}: run tools/gen_layer_docs.py"


def test_comments_of_a_schema(generator):
    found = generator.comments_of("""
// About it,
// at length.
message Some {
  // First.
  optional int32 first = 1;
  optional int32 second = 2 [default = 3];

  repeated float third = 4;  // Third.
  // Which kind.
  enum Kind {
    ONE = 1;  // of one
    TWO = 2;
  }
  // Unset, ONE.
  optional Kind kind = 5;
}
""")
    assert found == {
        "Some": {
            "": "About it, at length.",
            "first": "First.",
            "second": "=",
            "third": "Third.",
            "kind": "Which kind. Unset, ONE.",
        },
        "Some.Kind": {"ONE": "of one"},
    }


@pytest.mark.parametrize("name", TYPES)
def test_a_page_has_all_sections_and_fields(name):
    page = describe.page(name)
    headings = re.findall(r"^##? (.*)$", page, re.MULTILINE)
    assert headings == [name, "Parameters", "Sample", "Differences from Caffe"]
    assert describe.summary(name) in " ".join(page.split())
    for wanted in messages_of(name):
        field, _, only = wanted.partition(".")
        message = schema.LayerParameter.DESCRIPTOR.fields_by_name[field].message_type
        assert f"### {field}" in page
        for part in [only] if only else [part.name for part in message.fields]:
            assert f"`{part}` (" in page


def test_kinds_and_defaults():
    page = describe.page("Pooling")
    assert "`pool` (MAX | AVE | STOCHASTIC, default MAX)" in page
    assert "`kernel_size` (uint32)" in page
    assert "`stride` (uint32, default 1)" in page
    assert "`global_pooling` (bool, default false)" in page
    assert "`moving_average_fraction` (float, default 0.999)" in describe.page("BatchNorm")
    assert '`param_str` (string, default "")' in describe.page("Python")
    assert "`coeff` (float, repeated)" in describe.page("Eltwise")
    assert "`min` (float, required)" in describe.page("Clip")
    assert "`weight_filler` (FillerParameter)" in describe.page("Convolution")


@pytest.mark.parametrize("name", TYPES)
def test_pages_list_the_messages_that_the_source_reads(name):
    known = "|".join(field.name for field in schema.LayerParameter.DESCRIPTOR.fields)
    read = set()
    for cls in layer_class(name).__mro__:
        if cls is not Layer and cls.__module__.startswith("caffe_lite.layers"):
            read |= set(re.findall(rf"(?<!pooling)\bparam\.({known})\b", inspect.getsource(cls)))
            read |= set(re.findall(rf"self\.param\.({known})\b", inspect.getsource(cls)))
    listed = {wanted.partition(".")[0] for wanted in messages_of(name)}
    read = {field for field in read if field.endswith("_param")}
    # Read to be refused, or given to a layer within.
    assert (
        read - {"SPP": {"pooling_param"}, "HDF5Data": {"transform_param"}}.get(name, set())
        == listed
    )


@pytest.mark.parametrize("name", TYPES)
def test_the_sample_runs(name, tmp_path, monkeypatch):
    make_sources(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    text = describe.sample(name).strip().removeprefix("layer {").removesuffix("}")
    count = layer_class(name).bottoms[0] or int(name == "Python")
    bottoms = BOTTOMS.get(name, (X,) * count)
    assert len(bottoms) == text.count("bottom:")
    run = make_layer(text, bottoms)
    if name == "MemoryData":
        run.layer.set_arrays(X.astype("float32"), LABELS.astype("float32"))
    tops = run.forward()
    assert all(np.isfinite(values).all() for values in tops)
    flags = default_propagate_down(run.layer, len(bottoms))
    if any(flags) and name not in ("ArgMax", "Threshold"):
        run.backward([blob.diff + 1 for blob in run.top])
    run.layer.close()


def test_a_registered_type_has_a_page_too(monkeypatch):
    from caffe_lite.layers import registry

    monkeypatch.setattr(registry, "_registered", dict(registry._registered))

    @register("TestsOwn")
    class TestsOwn(Layer):
        """Does nothing,
        and does it well.

        Example::

            layer { name: "x" type: "TestsOwn" }
        """

    @register("TestsBare")
    class TestsBare(Layer):
        pass

    TestsBare.__doc__ = None
    assert describe.summary("TestsOwn") == "Does nothing, and does it well."
    page = describe.page("TestsOwn")
    assert page.startswith("# TestsOwn\n\nDoes nothing,\nand does it well.\n\nBottoms: 1. Tops: 1.")
    assert 'layer { name: "x" type: "TestsOwn" }' in page
    assert "Differences" not in page
    assert describe.page("TestsBare").startswith("# TestsBare\n\nBottoms: 1.")
    assert describe.summary("TestsBare") == ""

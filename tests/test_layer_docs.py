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
from caffe_lite.layers.registry import CAFFE, layer_class, layer_sets, register
from caffe_lite.nets.backward_plan import takes_gradient
from caffe_lite.proto import schema
from caffe_lite.proto.merge import is_addition
from caffe_lite.testing import make_layer
from tests.layer_cases import beside_tests
from tests.layer_sources import make_sources

ROOT = Path(__file__).parent.parent
TYPES = CAFFE.types()
# Of layers with several names or meanings each class once.
CLASSES = {
    cls: name
    for layers in layer_sets()
    for name in layers.types()
    for cls in describe.classes(name)
    if cls.__module__.startswith(f"{layers.package}.") and cls.type == name
}
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
RNG = np.random.default_rng(17)

# Shapes of the samples' bottoms, by class; labels and the like as data. Those of the forks' layers
# are in a dict SAMPLES in their test files.
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
for _samples in beside_tests("SAMPLES"):
    BOTTOMS.update(_samples)


@pytest.fixture(scope="module")
def generator():
    path = ROOT / "tools" / "gen_layer_docs.py"
    spec = importlib.util.spec_from_file_location("gen_layer_docs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_comments_are_up_to_date(generator):
    made = generator.all_comments()
    assert json.loads(generator.COMMENTS.read_text()) == made, "run tools/gen_layer_docs.py"


def test_types_that_are_left_out_are_types_of_forks(generator):
    rows = generator.LEFT_OUT.read_text(encoding="utf-8").splitlines()
    types = [name for row in rows if not row.startswith("#") for name in row.split(": ")[1].split()]
    assert len(set(types)) == len(types)
    assert set(types) <= set(generator.fork_types())


def test_pages_are_up_to_date(generator):
    made = generator.pages()
    assert generator.generated() == set(made), "run tools/gen_layer_docs.py"
    for path, text in made.items():
        assert path.read_text() == text, f"{path.name}: run tools/gen_layer_docs.py"


@pytest.mark.parametrize("name", TYPES)
def test_a_gradient_has_its_formula(name):
    cls = layer_class(name)
    passes = cls.backward is not Layer.backward and "_zero_gradient(" not in inspect.getsource(cls)
    if cls.is_data or name in ("Input", "DummyData", "Python") or not passes:
        return
    page = describe.page(name)
    assert "\n## Backward\n" in page, f'{name}: a paragraph "Backward: ... Kept from forward: ..."'
    assert "\nKept from forward: " in page


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


@each_class
def test_a_page_has_all_sections_and_fields(cls):
    page = describe.page_of(cls, cls.type)
    headings = re.findall(r"^##? (.*)$", page, re.MULTILINE)
    origin = "Caffe" if cls.__module__.startswith("caffe_lite.layers.") else "the fork"
    sections = ["Parameters", "Sample", f"Differences from {origin}"]
    assert headings in ([cls.type, *sections], [cls.type, "Backward", *sections])
    assert describe.summary_of(cls) in " ".join(page.split())
    for wanted in cls.reads or ():
        field, _, only = wanted.partition(".")
        message = schema.LayerParameter.DESCRIPTOR.fields_by_name[field].message_type
        assert f"### {field}" in page
        extensions = [path.rpartition(".")[2] for path in cls.extensions]
        shown = [f.name for f in message.fields if not is_addition(f) or f.name in extensions]
        for part in [only] if only else shown:
            assert f"`{part}` (" in page, f"{part} of {field}"


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
    listed = {wanted.partition(".")[0] for wanted in (layer_class(name).reads or ())}
    read = {field for field in read if field.endswith("_param")}
    # Read to be refused, or given to a layer within.
    assert (
        read - {"SPP": {"pooling_param"}, "HDF5Data": {"transform_param"}}.get(name, set())
        == listed
    )


@each_class
def test_the_sample_runs(cls, tmp_path, monkeypatch):
    make_sources(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    text = describe.sample(cls).strip().removeprefix("layer {").removesuffix("}")
    count = cls.bottoms[0] or int(cls.type == "Python")
    bottoms = BOTTOMS.get(cls.__name__, (X,) * count)
    assert len(bottoms) == text.count("bottom:")
    run = make_layer(text, bottoms)
    assert type(run.layer) is cls
    if cls.type == "MemoryData":
        run.layer.set_arrays(X.astype("float32"), LABELS.astype("float32"))
    tops = run.forward()
    assert all(np.isfinite(values).all() for values in tops)
    flags = takes_gradient(run.layer, len(bottoms))
    if any(flags) and cls.backward is not Layer.backward:
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

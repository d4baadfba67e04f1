import sys
from importlib import import_module

import numpy as np
import pytest

import caffe_lite
from caffe_lite import plugins
from caffe_lite.errors import LayerError, PrototxtError
from caffe_lite.layers import registry
from caffe_lite.layers.base import Layer
from caffe_lite.layers.layer_set import snake_case
from caffe_lite.layers.registry import CAFFE, layer_class, layer_types, register
from caffe_lite.proto import schema, text
from caffe_lite.proto.proto_source import parse_proto
from caffe_lite.testing import check_layer, make_layer

PLUGIN = """
from caffe_lite.layers.base import Layer


class Halve(Layer):
    '''Half of it: y = x / 2.'''

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.xp.multiply(bottom[0].data, 0.5, out=top[0].data)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            self.xp.multiply(top[0].diff, 0.5, out=bottom[0].diff)


number = 3
"""

COUNTS = {  # fewest and most bottoms and tops, as Caffe checks them; None: no limit
    ((0, 0), (1, 1)): "Parameter",
    ((0, 0), (1, 2)): "Data",
    ((0, 0), (1, None)): "DummyData HDF5Data Input",
    ((0, 0), (2, 2)): "ImageData MemoryData WindowData",
    ((0, None), (0, None)): "Python",
    ((1, 1), (1, 1)): (
        "AbsVal ArgMax BNLL BatchNorm Clip Dropout ELU Embed Exp Flatten Im2col "
        "InnerProduct LRN Log MVN PReLU Power ReLU Reduction Reshape SPP Sigmoid Softmax "
        "Swish TanH Threshold Tile"
    ),
    ((1, 1), (1, 2)): "Pooling",
    ((1, 1), (1, None)): "Slice Split",
    ((1, 2), (1, 1)): "Bias Scale",
    ((1, None), (0, 0)): "Silence",
    ((1, None), (1, 1)): "Concat",
    ((1, None), (1, None)): "Convolution Deconvolution",
    ((2, 2), (0, 0)): "HDF5Output",
    ((2, 2), (1, 1)): (
        "BatchReindex Crop EuclideanLoss HingeLoss MultinomialLogisticLoss SigmoidCrossEntropyLoss"
    ),
    ((2, 2), (1, 2)): "Accuracy SoftmaxWithLoss",
    ((2, 3), (1, 2)): "InfogainLoss",
    ((2, None), (1, 1)): "Eltwise",
    ((2, None), (1, None)): "Filter LSTM RNN",
    ((3, 3), (1, 1)): "ContrastiveLoss",
    ((3, 3), (2, 2)): "LSTMUnit",
}


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Registrations of a test last as long as the test."""
    for name in CAFFE.types():
        layer_class(name)
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed distribution with entry points, good and bad ones."""
    (tmp_path / "halving.py").write_text(PLUGIN)
    info = tmp_path / "halving-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halving\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[caffe_lite.layers]\n"
        "Halve = halving:Halve\n"
        "HalveMissing = halving:Missing\n"
        "HalveNumber = halving:number\n"
        "ReLU = halving:Halve\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("halving", None)


def test_a_type_of_a_known_fork_is_named_as_that_forks():
    with pytest.raises(LayerError) as caught:
        layer_class("TRT")
    assert str(caught.value) == (
        'unknown layer type "TRT"; it belongs to NVIDIA/caffe, and is not supported here '
        "(`caffe_lite layers` lists the known ones)"
    )


def test_a_plugins_type_works_like_a_built_in_one(plugin):
    assert "Halve" in layer_types()
    assert "Halve" not in registry._registered, "imported on first use"
    x = np.array([[2.0, -3.0]])
    assert make_layer('type: "Halve"', [x]).forward()[0].tolist() == [[1.0, -1.5]]
    assert check_layer('type: "Halve"', [x])[0].error < 1e-9
    assert layer_class("Halve").type == "Halve"


def test_built_in_types_are_not_for_plugins_to_replace(plugin):
    assert layer_class("ReLU").__module__ == "caffe_lite.layers.relu"


def test_plugins_that_cannot_be_loaded(plugin):
    with pytest.raises(LayerError, match='"HalveMissing": its plugin halving:Missing could not be'):
        layer_class("HalveMissing")
    with pytest.raises(LayerError, match='"HalveNumber": 3 must be a class that derives from'):
        layer_class("HalveNumber")
    with pytest.raises(LayerError, match='unknown layer type "Halv"; did you mean "Halve"'):
        layer_class("Halv")


def test_register_by_hand():
    @caffe_lite.register("TestsDouble")
    class Double(Layer):
        def reshape(self, bottom, top):
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom, top):
            top[0].data[...] = 2 * bottom[0].data

    assert Double.type == "TestsDouble"
    assert "TestsDouble" in layer_types()
    assert make_layer('type: "TestsDouble"', [[1.5]]).forward()[0].tolist() == [3]


def test_a_name_belongs_to_one_class():
    @register("TestsTwice")
    class First(Layer):
        pass

    register("TestsTwice")(First)
    with pytest.raises(LayerError, match='"TestsTwice" is already registered by .*First; choose'):

        @register("TestsTwice")
        class Second(Layer):
            pass


@pytest.mark.parametrize("name", ["ReLU", "WindowData"])
def test_built_in_names_are_taken_whether_used_or_not(name):
    with pytest.raises(LayerError, match=f'"{name}" is already registered by caffe_lite.layers'):

        @register(name)
        class Mine(Layer):
            pass


def test_only_layers_can_be_registered():
    with pytest.raises(LayerError, match="must be a class that derives from caffe_lite.Layer"):
        register("TestsFunction")(len)


@pytest.mark.parametrize(
    "name, hint",
    [
        ("Convolutions", "Convolution"),
        ("relu", "ReLU"),
        ("inner_product", "InnerProduct"),
        ("SoftmaxLoss", "Softmax"),
    ],
)
def test_unknown_types_are_told_the_nearest_name(name, hint):
    with pytest.raises(LayerError, match=f'unknown layer type "{name}"; did you mean "{hint}'):
        layer_class(name)


def test_a_message_that_the_type_does_not_read_is_told_of(caplog):
    make_layer('name: "act" type: "ReLU" tanh_param { } relu_param { }', [[1.0]])
    make_layer(
        'name: "fine" type: "SoftmaxWithLoss" loss_param { } softmax_param { }',
        [[[1.0, 2.0]], [0.0]],
    )
    assert [record.getMessage() for record in caplog.records] == [
        'layer "act": tanh_param has no effect on a ReLU'
    ]


def test_all_types_of_the_reference_are_known():
    assert len(CAFFE.types()) == 61
    assert set(CAFFE.types()) <= set(layer_types())
    assert all(layer_class(name).type == name for name in CAFFE.types())


def test_counts_of_bottoms_and_tops_are_caffes():
    expected = {name: bounds for bounds, names in COUNTS.items() for name in names.split()}
    assert {
        name: (layer_class(name).bottoms, layer_class(name).tops) for name in CAFFE.types()
    } == (expected)


PERMUTE = """
from caffe_lite import Layer, register


@register("TestsPermute", fields="repeated uint32 order = 1;")
class TestsPermute(Layer):
    def reshape(self, bottom, top):
        self.order = list(self.param.tests_permute_param.order)
        top[0].reshape(*(bottom[0].shape[axis] for axis in self.order))

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data.transpose(self.order)
"""
NET = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 } } }
layer { name: "p" type: "TestsPermute" bottom: "x" top: "y"
        tests_permute_param { order: 2 order: 0 order: 1 } }"""


def install(folder, name, module, entry):
    """An installed distribution of one module, with an entry point for a layer."""
    (folder / f"{name}.py").write_text(module)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[caffe_lite.layers]\n{entry}\n")


def test_a_plugin_brings_its_parameters(own_schema, tmp_path, monkeypatch):
    install(tmp_path, "tests_permuting", PERMUTE, "TestsPermute = tests_permuting:TestsPermute")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.load_all.cache_clear()
    (tmp_path / "net.prototxt").write_text(NET)
    net = caffe_lite.Net(tmp_path / "net.prototxt")
    assert net.blobs["y"].shape == (4, 2, 3)
    assert layer_class("TestsPermute").reads == ("tests_permute_param",)
    with pytest.raises(PrototxtError, match=r'2:31: .*has no field "ordre"; did you mean "order"'):
        text.parse(NET.replace("{ order", "{ ordre", 1).split("\n", 1)[1], schema.NetParameter)
    plugins.load_all.cache_clear()
    sys.modules.pop("tests_permuting")


def test_a_plugin_brings_a_proto_file(own_schema, tmp_path, monkeypatch):
    module = PERMUTE.replace('fields="repeated uint32 order = 1;"', 'proto="permute.proto"')
    (tmp_path / "tests_with_file.py").write_text(module)
    (tmp_path / "permute.proto").write_text(
        "message Order { repeated uint32 order = 1; }\n"
        "extend LayerParameter { optional Order tests_permute_param = 1; }"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import_module("tests_with_file")
    net = caffe_lite.Net(text.parse(NET, schema.NetParameter))
    assert net.blobs["y"].shape == (4, 2, 3)
    sys.modules.pop("tests_with_file")


def test_a_broken_plugin_is_named_beside_the_field_it_may_have_brought(
    own_schema, tmp_path, monkeypatch
):
    install(tmp_path, "tests_broken", "1 / 0", "TestsPermute = tests_broken:TestsPermute")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.load_all.cache_clear()
    with pytest.raises(PrototxtError, match="tests_broken:TestsPermute could not be loaded: Zero"):
        text.parse(NET, schema.NetParameter)
    plugins.load_all.cache_clear()


def test_fields_that_do_not_fit_the_schema(own_schema):
    with pytest.raises(PrototxtError, match='expected a number, got "b"'):

        @register("TestsBadFields", fields="optional int32 a = b;")
        class Bad(Layer):
            pass

    assert "TestsBadFields" not in layer_types()


def test_a_definition_decides_between_meanings_by_its_fields(own_schema):
    @register("TestsNorm", aliases=["TestsNormal"], fields="optional float eps = 1;")
    class One(Layer):
        """The plain one."""

    @register("TestsNorm", when=["tests_norm_param.eps"])
    class Other(Layer):
        """With eps."""

    def chosen(written):
        param = text.parse(written, schema.LayerParameter)
        return layer_class(param.type, param)

    assert layer_class("TestsNorm") is One is layer_class("TestsNormal")
    assert chosen('type: "TestsNorm"') is chosen('type: "TestsNorm" tests_norm_param { }') is One
    assert chosen('type: "TestsNorm" tests_norm_param { eps: 0 }') is Other
    assert [meaning.cls for meaning in registry.meanings_of("TestsNorm")] == [Other, One]


def test_a_forks_field_is_honoured_or_refused_never_skipped(own_schema, caplog):
    addition = "extend PoolingParameter { optional bool tests_mode = 1; %s }"
    hint = "optional bool tests_hint = 2 [deprecated = true];"
    schema.extend(parse_proto(addition % hint, "tests"))
    pooling = 'name: "p" type: "Pooling" pooling_param { kernel_size: 1 %s }'
    with pytest.raises(
        LayerError, match=r'layer "p" \(Pooling\): pooling_param.tests_mode is a fi'
    ):
        make_layer(pooling % "tests_mode: false", [np.ones((1, 1, 2, 2))])
    with caplog.at_level("INFO"):
        make_layer(pooling % "tests_hint: true", [np.ones((1, 1, 2, 2))])
    assert [record.getMessage() for record in caplog.records] == [
        'layer "p": pooling_param.tests_hint is a hint that changes nothing here'
    ]


@pytest.mark.parametrize(
    "name, snake",
    [
        ("InnerProduct", "inner_product"),
        ("ROIPooling", "roi_pooling"),
        ("HDF5Data", "hdf5_data"),
        ("LSTM", "lstm"),
        ("ReLU6", "re_lu6"),
        ("PSROIPooling", "psroi_pooling"),
    ],
)
def test_snake_case(name, snake):
    assert snake_case(name) == snake

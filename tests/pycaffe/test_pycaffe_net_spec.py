"""NetSpec: the nets that Caffe's own writes, and mistakes in nets."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format

import caffe_lite.pycaffe as caffe
from caffe_lite.errors import CaffeError
from caffe_lite.pycaffe import layers as L  # noqa: N812
from caffe_lite.pycaffe import params as P  # noqa: N812
from caffe_lite.pycaffe.proto import caffe_pb2
from tests.pycaffe.net_specs import SPECS

RECORDED = json.loads(Path(__file__).with_name("recorded").joinpath("net_specs.json").read_text())


@pytest.mark.parametrize("name", SPECS)
def test_the_net_is_that_of_caffe(name):
    expected = text_format.Parse(RECORDED[name], caffe_pb2.NetParameter())
    assert SPECS[name](caffe) == expected


def test_every_net_was_recorded():
    assert RECORDED.keys() == SPECS.keys()


def test_the_net_runs(tmp_path):
    n = caffe.NetSpec()
    n.x = L.Input(shape=dict(dim=[2, 3]))
    n.y = L.Power(n.x, power=2, shift=1)
    path = tmp_path / "net.prototxt"
    path.write_text(str(n.to_proto()))
    for definition in (str(path), n.to_proto()):
        net = caffe.Net(definition, caffe.TEST)
        net.blobs["x"].data[...] = 4
        assert (net.forward()["y"] == 25).all()


def test_keywords_may_be_names_tuples_and_messages():
    x = L.Input(shape=caffe_pb2.BlobShape(dim=[2, 3]))
    pool = L.Pooling(x, pool="AVE", kernel_size=2)
    conv = L.Convolution(pool, kernel_size=(2, 3), param=[])
    data, pooling, convolution = conv.to_proto().layer
    assert data.input_param.shape[0].dim == [2, 3]
    assert pooling.pooling_param.pool == P.Pooling.AVE
    assert convolution.convolution_param.kernel_size == [2, 3] and not convolution.param


def test_a_deep_net_is_written():
    top = L.Input(shape=dict(dim=[1]))
    for _ in range(3000):
        top = L.ReLU(top)
    assert top.to_proto().layer[-1].name == "ReLU3000"


X = L.Input(shape=dict(dim=[1, 2]))


@pytest.mark.parametrize(
    "make, words",
    [
        (
            lambda: L.Convolution(X, num_ouput=3),
            'Convolution "Convolution1" takes no "num_ouput"; did you mean "num_output"?',
        ),
        (
            lambda: L.Deconvolution(X, num_output=3),
            'takes no "num_output"; write convolution_param=dict(num_output=...)',
        ),
        (lambda: L.LSTM(X, num_output=3), "write recurrent_param=dict(num_output=...)"),
        (lambda: L.ReLU(X, inplace=True), 'takes no "inplace"; did you mean "in_place"?'),
        (
            lambda: L.InnerProduct(X, weight_filler=dict(typ="xavier")),
            '.weight_filler: FillerParameter has no field "typ"; did you mean "type"?',
        ),
        (
            lambda: L.InnerProduct(X, weight_filler="xavier"),
            "weight_filler: FillerParameter is written as dict(...), got 'xavier'",
        ),
        (
            lambda: L.Pooling(X, pool="MAXX"),
            '.pool: PoolMethod has no value "MAXX"; did you mean "MAX"?',
        ),
        (lambda: L.InnerProduct(X, num_output="3"), "num_output: '3' is not a valid value for"),
        (lambda: L.InnerProduct(X, num_output=-3), "num_output: -3 is not a valid value for"),
        (lambda: L.Tile(X, param=[dict(lr_mult="1")]), "param.lr_mult: '1' is not a valid value"),
        (lambda: L.Silence((X, X), ntop=0), "Silence: input 0 must be the top of a layer (unpack"),
        (lambda: L.Concat(X, 3), "Concat: input 1 must be the top of a layer"),
    ],
)
def test_mistakes_are_told(make, words):
    with pytest.raises(CaffeError) as told:
        make().to_proto()
    assert words in str(told.value) and "\n" not in str(told.value)


def test_unknown_names_are_attribute_errors_with_advice():
    n = caffe.NetSpec()
    n.conv1 = X
    for look, words in [
        (lambda: n.con1, 'no top "con1"; did you mean "conv1"'),
        (lambda: n["con1"], 'did you mean "conv1"'),
        (lambda: P.Pooling.MAXX, 'PoolingParameter has no value "MAXX"; did you mean "MAX"'),
        (lambda: P.Poling.MAX, 'no PolingParameter; did you mean "Pooling"'),
        (lambda: caffe_pb2.NetParameters, 'did you mean "NetParameter"'),
    ]:
        with pytest.raises(AttributeError, match=words):
            look()
    for magic in (L, P, P.Pooling, n):
        assert not hasattr(magic, "_repr_html_") and not hasattr(copy.copy(magic), "__path__")


@pytest.mark.parametrize("value", [3, (X, X), None])
def test_only_tops_are_named(value):
    with pytest.raises(TypeError, match="first must be the top of a layer"):
        caffe.NetSpec().first = value


def test_messages_are_read_and_written_by_protobuf(tmp_path):
    net = caffe_pb2.NetParameter()
    text_format.Merge('name: "n" layer { name: "r" type: "ReLU" phase: TEST }', net)
    assert net.layer[0].phase == caffe_pb2.TEST == caffe.TEST
    again = caffe_pb2.NetParameter.FromString(net.SerializeToString())
    assert again == net and isinstance(again.layer[0], caffe_pb2.LayerParameter)
    assert caffe_pb2.Phase.Name(caffe_pb2.TRAIN) == "TRAIN"
    assert caffe_pb2.SolverParameter.SolverType.Value("ADAM") == caffe_pb2.SolverParameter.ADAM
    assert "BlobProtoVector" in dir(caffe_pb2)


def test_another_caffe_proto_in_the_process_does_not_clash():
    """A script that brings its own caffe.proto, in protobuf's default pool."""
    code = """
from google.protobuf import descriptor_pb2, descriptor_pool
file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
file.message_type.add(name="NetParameter")
descriptor_pool.Default().Add(file)
descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter")
from caffe_lite.pycaffe.proto import caffe_pb2
print(len(caffe_pb2.NetParameter(layer=[{"name": "x"}]).layer))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"

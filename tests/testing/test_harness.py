"""make_layer builds one layer as a net would."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.errors import LayerError, PrototxtError
from caffe_lite.testing import make_layer


def test_runs_forward_and_backward():
    run = make_layer('type: "Power" power_param { scale: 3 shift: 1 }', [[[1.0, 2.0]]])
    (y,) = run.forward()
    assert y.tolist() == [[4.0, 7.0]]
    (dx,), dparams = run.backward([np.array([[1.0, 10.0]])])
    assert dx.tolist() == [[3.0, 30.0]]
    assert dparams == []


def test_a_loss_top_holds_its_weight():
    text = 'type: "EuclideanLoss" loss_weight: 4'
    run = make_layer(text, [[[1.0, 3.0]], [[0.0, 0.0]]])
    run.forward()
    (dx, dt), _ = run.backward()
    assert dx.tolist() == [[4.0, 12.0]]
    assert dt.tolist() == [[-4.0, -12.0]]


def test_a_gradient_that_is_not_written_shows(monkeypatch):
    run = make_layer('type: "Power"', [[1.0, 2.0]])
    run.forward()
    monkeypatch.setattr(run.layer, "backward", lambda top, propagate_down, bottom: None)
    (dx,), _ = run.backward([[1.0, 1.0]])
    assert np.isnan(dx).all()


def test_labels_get_no_gradient():
    run = make_layer('type: "SoftmaxWithLoss"', [np.zeros((2, 3)), [0, 2]])
    run.forward()
    (_, dlabel), _ = run.backward()
    assert dlabel.tolist() == [0, 0]


def test_blobs_with_learning_rate_0_get_none_either():
    text = 'type: "InnerProduct" inner_product_param { num_output: 2 weight_filler { value: 1 } }'
    run = make_layer(text + "param { lr_mult: 0 }", [np.ones((3, 4))])
    run.forward()
    _, (dweight, dbias) = run.backward([np.ones((3, 2))])
    assert (dweight == 0).all(), "a frozen blob got a gradient"
    assert dbias.tolist() == [3, 3]


def test_shapes_that_follow_from_data_are_taken_before_each_forward():
    run = make_layer('type: "Filter"', [[1.0, 2.0, 3.0], [1, 0, 1]])
    assert run.forward()[0].tolist() == [1, 3]
    run.bottom[1].data[...] = [0, 1, 0]
    assert run.forward()[0].tolist() == [2]


def test_in_place():
    run = make_layer('type: "Sigmoid"', [[0.0]], in_place=True)
    assert run.top[0] is run.bottom[0]
    assert run.forward()[0].tolist() == [0.5]


def test_float32_on_request():
    run = make_layer('type: "TanH"', [[1.0]], ops=get_ops(dtype="float32"))
    assert run.forward()[0].dtype == np.float32


def test_errors_are_those_of_a_net():
    with pytest.raises(LayerError, match='unknown layer type "Sigmoidal"; did you mean "Sigmoid"'):
        make_layer('type: "Sigmoidal"', [[0.0]])
    with pytest.raises(PrototxtError, match="nosuch"):
        make_layer('type: "Sigmoid" nosuch: 1', [[0.0]])


def test_errors_of_blobs_name_the_layer():
    text = 'name: "t" type: "Tile" tile_param { tiles: 1111111111 }'
    with pytest.raises(LayerError, match=r'layer "t" \(Tile\): .* got 2 x 99999999'):
        make_layer(text, [np.zeros((2, 9))])


def test_more_param_entries_than_learned_blobs_are_refused():
    text = 'type: "Sigmoid" param { lr_mult: 1 }'
    with pytest.raises(LayerError, match=r"at most once per learned blob \(0\), got 1"):
        make_layer(text, [[0.0]])


def test_a_changed_input_shape_reshapes_the_layer():
    run = make_layer('type: "Power" power_param { scale: 3 }', [[1.0, 2.0]])
    run.bottom[0].reshape(3)
    run.bottom[0].data[...] = [1, 2, 4]
    assert run.forward()[0].tolist() == [3, 6, 12]

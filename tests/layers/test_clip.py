import numpy as np

from caffe_lite.testing import make_layer
from tests.layers.helpers import fails
from tests.layers.neurons import check_neuron

CLIP = 'type: "Clip" clip_param { min: -0.75 max: 1.25 }'


def test_formula_and_gradient():
    check_neuron(CLIP, lambda x: min(max(x, -0.75), 1.25))


def test_gradient_passes_at_the_bounds_and_not_beyond():
    run = make_layer('type: "Clip" clip_param { min: -0.5 max: 2 }', [[-0.5, 2.0, -0.51, 2.01]])
    run.forward()
    assert run.backward([np.ones(4)])[0][0].tolist() == [1, 1, 0, 0]


def test_later_layers_may_overwrite_the_top():
    run = make_layer(CLIP, [[0.0, 5.0]])
    run.forward()
    run.top[0].data[...] = 0
    assert run.backward([np.ones(2)])[0][0].tolist() == [1, 0]


def test_bounds_are_required_and_ordered():
    fails('type: "Clip"', [[0.0]], "needs both bounds")
    fails(
        'type: "Clip" clip_param { min: 2 max: 1 }',
        [[0.0]],
        "min must not exceed max, got min 2 and max 1",
    )

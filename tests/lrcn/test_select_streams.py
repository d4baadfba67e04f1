"""Carried states of recurrent layers, reordered, repeated and dropped."""

import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing.harness import make_layer

TEXT = """type: "{kind}" recurrent_param {{ num_output: 4
          weight_filler {{ type: "gaussian" std: 0.7 }} bias_filler {{ type: "gaussian" }} }}"""


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@pytest.mark.parametrize("streams", [[2, 0, 1], [1, 1, 2], [0, 2, 2, 1, 1], [2], [0, 1, 2]])
def test_streams_go_on_from_the_state_they_were_given(kind, streams):
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=(3, 3, 2)), rng.normal(size=(2, len(streams), 2))
    run = make_layer(TEXT.format(kind=kind), [before, np.ones((3, 3))], phase="TEST")

    def forward(x):
        for blob, values in zip(run.bottom, (x, np.ones(x.shape[:2])), strict=True):
            blob.reshape(*values.shape)
            blob.data[...] = values
        run.layer.reshape(run.bottom, run.top)
        return run.forward()[0]

    forward(before)
    run.layer.select_streams(streams)
    mine = forward(after)
    run.layer.reset()
    forward(before[:, streams])
    np.testing.assert_allclose(mine, forward(after), rtol=1e-12)
    run.layer.reset()
    assert abs(mine - forward(after)).max() > 0.01  # the state matters


def test_streams_that_are_not_there_are_told():
    run = make_layer(TEXT.format(kind="LSTM"), [np.ones((1, 3, 2)), np.ones((1, 3))])
    for streams in ([0, 3], [-1], []):
        with pytest.raises(LayerError, match=r"must be one or more of 0 ... 2, got \["):
            run.layer.select_streams(streams)


def test_exposed_states_are_not_the_layers_to_reorder():
    text = TEXT.format(kind="RNN").replace("num_output", "expose_hidden: true num_output")
    run = make_layer(text, [np.ones((1, 3, 2)), np.ones((1, 3)), np.ones((1, 3, 4))], tops=2)
    with pytest.raises(LayerError, match="carries no state with expose_hidden"):
        run.layer.select_streams([0])

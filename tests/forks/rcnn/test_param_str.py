"""The YAML of `param_str`, and the settings in it."""

import logging

import pytest

from caffe_lite.errors import DataError
from caffe_lite.forks.rcnn.python_layers.param_str import read_param_str
from caffe_lite.forks.rcnn.python_layers.settings import read_settings


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", {}),
        ("a: null", {"a": None}),
        ("'num_classes': 21", {"num_classes": 21}),
        (
            "'feat_stride': 16 \n'scales': !!python/tuple [4, 8, 16, 32]",
            {"feat_stride": 16, "scales": [4, 8, 16, 32]},
        ),
        ("a: (1, 2.5)\n\n# a comment\nb: some words # more", {"a": [1, 2.5], "b": "some words"}),
        ("{'a': True, \"b\": [x, [-1e3, no]]}", {"a": True, "b": ["x", [-1e3, False]]}),
        ("a: ''\r\nb: 'x: y'", {"a": "", "b": "x: y"}),
    ],
)  # fmt: skip
def test_what_nets_write(text, expected):
    assert read_param_str(text) == expected


@pytest.mark.parametrize(
    "text, reason",
    [
        ("a", 'lines must be written as "key: value"'),
        ("a: !!python/object/apply:os.system ['ls']", "refused"),
        ("a: !!python/tuple 3", "refused"),
        ("a: [1, 2", "a ] is missing"),
        ("a: [1 2]\nb: (3]", "missing"),
        ("a: 1\na: 2", '"a" is given twice'),
        ("a: 1 b: 2", "a new line must follow"),
        ("a:", "a value is missing"),
        ("{a: 1", "a } is missing"),
        ("a: 'open", "is not understood"),
        ("a: " + "[" * 100_000, "nested more than 8 deep"),
    ],
)
def test_what_is_not_understood_is_one_line(text, reason):
    with pytest.raises(DataError) as caught:
        read_param_str(text)
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_settings_by_name(caplog):
    caplog.set_level(logging.WARNING)
    text = "n: 3\nBATCH_SIZE: 64\nBBOX_NORMALIZE_STDS: [1, 1, 2, 2]\nother: 1"
    settings, own = read_settings(text, {"n": None, "m": 5})
    assert settings.batch_size == 64 and settings.bbox_normalize_stds == [1, 1, 2, 2]
    assert own == {"n": 3, "m": 5}
    assert "other is not known here" in caplog.text


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "param_str must give 'n'"),
        ("n: many", "n must be a whole number, got 'many'"),
        ("n: 1\nBATCHSIZE: 2", 'no setting BATCHSIZE; did you mean "BATCH_SIZE"'),
        ("n: 1\nSCALES: 600", "SCALES must be a list of numbers"),
        ("n: 1\nUSE_FLIPPED: 1", "USE_FLIPPED must be True or False"),
        ("n: 1\nFG_THRESH: [1]", "FG_THRESH must be a number"),
        ("n: 1\nBBOX_INSIDE_WEIGHTS: [1, 1]", "a list of 4 numbers"),
    ],
)
def test_settings_that_are_wrong(text, reason):
    with pytest.raises(DataError, match="param_str") as caught:
        read_settings(text, {"n": None})
    assert reason in str(caught.value)

"""Class names and fusion."""

import numpy as np
import pytest

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.lrcn.activity import fuse, read_class_names


def write(tmp_path, content):
    (tmp_path / "classes.txt").write_text(content)
    return tmp_path / "classes.txt"


@pytest.mark.parametrize(
    "content",
    [
        "Archery\nBaby Crawling\nDiving\n",
        "1 Archery\n3 Diving\n2 Baby Crawling\n",
        "0 Archery\n1 Baby Crawling\n\n2 Diving",
    ],
)
def test_names_stand_in_order_or_are_numbered(tmp_path, content):
    assert read_class_names(write(tmp_path, content)) == ["Archery", "Baby Crawling", "Diving"]


def test_numbers_that_do_not_count_are_told(tmp_path):
    for content in ("1 a\n3 b\n", "2 a\n3 b\n", "1 a\n1 b\n"):
        with pytest.raises(DataError, match="the numbers of 2 classes must be 1 to 2 or 0 to 1"):
            read_class_names(write(tmp_path, content))
    with pytest.raises(DataError, match="the list is empty"):
        read_class_names(write(tmp_path, ""))


def test_fusion_weighs_rgb_and_flow():
    rgb, flow = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.7])
    np.testing.assert_allclose(fuse(rgb, flow, 1 / 2), [0.35, 0.25, 0.4])
    np.testing.assert_allclose(fuse(rgb, flow, 1 / 3), [0.8 / 3, 0.7 / 3, 0.5])
    with pytest.raises(CaffeError, match="the weight of RGB must be from 0 to 1, got 1.5"):
        fuse(rgb, flow, 1.5)
    with pytest.raises(CaffeError, match="3 classes and the flow net 2"):
        fuse(rgb, flow[:2], 0.5)

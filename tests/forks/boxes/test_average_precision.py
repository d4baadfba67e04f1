import numpy as np
import pytest

from caffe_lite.forks.boxes.average_precision import VERSIONS, average_precision

SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]
CORRECT = [1, 0, 1, 0, 1]
# after each detection: precision 1, 1/2, 2/3, 2/4, 3/5; recall of 4: 1/4, 1/4, 2/4, 2/4, 3/4
BY_HAND = {
    "Integral": 1 * 0.25 + 2 / 3 * 0.25 + 3 / 5 * 0.25,
    "MaxIntegral": 1 * 0.25 + 2 / 3 * 0.25 + 3 / 5 * 0.25,
    "11point": (3 * 1 + 3 * 2 / 3 + 2 * 3 / 5) / 11,
    "101point": (26 * 1 + 25 * 2 / 3 + 25 * 3 / 5) / 101,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_curve_by_hand(version):
    order = [3, 0, 4, 2, 1]
    value = average_precision(
        np.array(SCORES)[order], np.array(CORRECT)[order], positives=4, version=version
    )
    assert value == pytest.approx(BY_HAND[version], rel=1e-6)


def test_only_max_integral_takes_the_better_precision_behind_a_step():
    # precision 0, 1/2, 2/3; recall 0, 1/3, 2/3
    given = [3, 2, 1], [0, 1, 1], 3
    assert average_precision(*given, "MaxIntegral") == pytest.approx(2 / 3 * 2 / 3, rel=1e-6)
    assert average_precision(*given, "Integral") == pytest.approx((1 / 2 + 2 / 3) / 3, rel=1e-6)


def test_recall_is_compared_in_single_precision_as_in_ssd():
    # 7 of 10 found: the nearest float32 lies below 0.7, so that this point counts nothing
    value = average_precision(range(7, 0, -1), [1] * 7, 10, "11point")
    assert value == pytest.approx(7 / 11, rel=1e-6)


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_found_or_nothing_to_find_is_zero(version):
    assert average_precision([], [], 3, version) == 0
    assert average_precision([0.5], [0], 0, version) == 0
    assert average_precision([0.5], [0], 3, version) == 0

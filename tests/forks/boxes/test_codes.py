from math import exp, log

import numpy as np
import pytest

from caffe_lite.forks.boxes.codes import decode, encode

BOX, PRIOR = [0.2, 0.3, 0.7, 0.5], [0.1, 0.25, 0.5, 0.75]
VARIANCES = [0.1, 0.2, 0.3, 0.4]


def by_formula(code):
    widths = [PRIOR[2] - PRIOR[0], PRIOR[3] - PRIOR[1]] * 2
    if code == "CORNER":
        return [a - b for a, b in zip(BOX, PRIOR, strict=True)]
    if code == "CORNER_SIZE":
        return [(a - b) / side for a, b, side in zip(BOX, PRIOR, widths, strict=True)]
    return [
        ((BOX[0] + BOX[2]) / 2 - (PRIOR[0] + PRIOR[2]) / 2) / widths[0],
        ((BOX[1] + BOX[3]) / 2 - (PRIOR[1] + PRIOR[3]) / 2) / widths[1],
        log((BOX[2] - BOX[0]) / widths[0]),
        log((BOX[3] - BOX[1]) / widths[1]),
    ]


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE", "CORNER_SIZE"])
def test_codes_are_those_of_the_formula(code):
    box, prior, variances = map(np.array, ([BOX], [PRIOR], [VARIANCES]))
    expected = np.array([by_formula(code)])
    np.testing.assert_allclose(encode(np, code, box, prior), expected, rtol=1e-12)
    np.testing.assert_allclose(encode(np, code, box, prior, variances), expected / variances)
    np.testing.assert_allclose(decode(np, code, expected, prior), box, rtol=1e-12)
    np.testing.assert_allclose(decode(np, code, expected / variances, prior, variances), box)


def test_center_size_with_extent_is_the_code_of_rcnn():
    prior, delta = [4.0, 6, 19, 13], [0.1, -0.2, 0.3, 0.05]
    width, height = prior[2] - prior[0] + 1, prior[3] - prior[1] + 1
    x = delta[0] * width + prior[0] + 0.5 * width
    y = delta[1] * height + prior[1] + 0.5 * height
    w, h = exp(delta[2]) * width, exp(delta[3]) * height
    expected = np.array([[x - w / 2, y - h / 2, x + w / 2, y + h / 2]])
    decoded = decode(np, "CENTER_SIZE", np.array([delta]), np.array([prior]), extent=1)
    np.testing.assert_allclose(decoded, expected, rtol=1e-12)


def test_codes_of_several_classes_broadcast_over_priors():
    rng = np.random.default_rng(2)
    codes, priors = rng.normal(size=(2, 5, 3, 4)), np.sort(rng.uniform(size=(5, 4)))
    together = decode(np, "CORNER_SIZE", codes, priors[:, None])
    for n, p, c in np.ndindex(2, 5, 3):
        alone = decode(np, "CORNER_SIZE", codes[n, p, c], priors[p])
        np.testing.assert_allclose(together[n, p, c], alone, rtol=1e-12)

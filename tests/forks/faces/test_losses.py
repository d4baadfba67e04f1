"""CenterLoss, TripletLoss, GeneralTripletLoss, GeneralContrastiveLoss, and two of Caffe's."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, labels, normal, spread
from tests.layers.helpers import fails, untouched

X = normal(6, 3, 2)
LABELS = np.array([0, 2, 1, 2, 2, 0.0])
CENTER = """type: "CenterLoss" %s center_loss_param { num_output: 4 %s
            center_filler { type: "gaussian" std: 0.7 } }"""
DISTANCES = np.random.default_rng(4).uniform(0.1, 3, (6, 4))
TRIPLET = 'type: "GeneralTripletLoss" general_triplet_loss_param { margin: 0.6 %s }'
CONTRASTIVE = """type: "GeneralContrastiveLoss" general_contrastive_loss_param {
                 positive_margin: 0.4 negative_margin: 1.6 positive_weight: 1.5
                 negative_weight: 0.7 positive_outlier_thresh: 2 %s }"""

CASES = [
    Case(
        "CenterLoss",
        'center_loss_param { num_output: 4 center_filler { type: "gaussian" } }',
        (spread(6, 3), labels(6)),
        gradient=False,
        own_gradient="centres follow the mean of their items",
    ),
    Case("TripletLoss", "", (spread(6, 3), spread(6, 3), spread(6, 3)), flags=(True, True, True)),
    Case(
        "GeneralTripletLoss",
        "general_triplet_loss_param { margin: 0.6 add_center_loss: false }",
        (spread(6, 2, low=0), labels(6, classes=2)),
        tops=2,
        flags=(True, False),
        allocates="what is chosen among the distances",
    ),
    Case(
        "GeneralContrastiveLoss",
        "general_contrastive_loss_param { positive_margin: 0.43 negative_margin: 1.6 }",
        (spread(6, 4, low=0), labels(6)),
        tops=2,
        flags=(True, False),
        allocates="what is chosen among the distances",
    ),
    Case(
        "SoftmaxWithLoss",
        'softmax_param { normalize_type: "Softmax" }',
        (spread(6, 4), labels(6)),
        flags=(True, False),
    ),
    Case(
        "Accuracy",
        "accuracy_param { min_is_better: true }",
        (spread(6, 4), labels(6)),
        gradient=False,
    ),
]
SAMPLES = {
    "CenterLoss": (X, LABELS),
    "TripletLoss": (X, X + 0.1, normal(6, 3, 2)),
    "GeneralTripletLoss": (DISTANCES, LABELS),
    "GeneralContrastiveLoss": (DISTANCES, LABELS),
    "NormalizedSoftmaxWithLoss": (DISTANCES, LABELS),
    "DistanceAccuracy": (DISTANCES, LABELS),
}


@pytest.mark.parametrize("kind", ["L2", "L1"])
def test_center_loss(kind):
    run = make_layer(CENTER % ("", f'distance_type: "{kind}"'), [X, LABELS])
    (loss,) = run.forward()
    centers, x = run.layer.blobs[0].data.copy(), X.reshape(6, 6)
    difference = x - centers[LABELS.astype(int)]
    slope = np.sign(difference) if kind == "L1" else difference
    expected = abs(difference).sum() / 6 if kind == "L1" else (difference**2).sum() / 12
    np.testing.assert_allclose(loss, expected, rtol=1e-9)
    (dx, _), (dcenters,) = run.backward([np.array(0.3)], [True, False])
    np.testing.assert_allclose(dx.reshape(6, 6), 0.3 * slope / 6, rtol=1e-9)
    moved = np.zeros_like(centers)
    for j in range(4):
        own = slope[LABELS == j]
        moved[j] = -own.sum(axis=0) / (len(own) + 1)
    np.testing.assert_allclose(dcenters, moved, rtol=1e-9, atol=1e-12)
    again = run.backward([np.array(0.3)], [False, False])[1][0]
    np.testing.assert_allclose(again, 2 * moved, rtol=1e-9, atol=1e-12)  # added, not overwritten


def test_triplet_loss():
    rng = np.random.default_rng(8)
    anchor, near, far = rng.normal(size=(3, 6, 3, 2))
    like, unlike = anchor + 0.3 * near, anchor + far
    text = 'type: "TripletLoss" triplet_loss_param { margin: 6 }'
    (loss,) = make_layer(text, [anchor, like, unlike]).forward()
    near = ((anchor - like) ** 2).sum(axis=(1, 2))
    far = ((anchor - unlike) ** 2).sum(axis=(1, 2))
    gaps = np.maximum(6 + near - far, 0)
    assert 0 < (gaps > 0).sum() < 6
    np.testing.assert_allclose(loss, gaps.sum() / 12, rtol=1e-9)
    check_layer(text, [anchor, like, unlike], propagate_down=(True, True, True))
    untouched(make_layer(text, [anchor, like, unlike]), [np.ones(())])


@pytest.mark.parametrize("hardest", [False, True])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_general_triplet_loss(hardest, center, first):
    options = f"""hardest_only: {str(hardest).lower()} add_center_loss: {str(center).lower()}
        positive_first: {str(first).lower()} positive_upper_bound: 2 positive_weight: 0.8
        negative_weight: 0.3"""
    weight = np.arange(1, 7.0)
    run = make_layer(TRIPLET % options, [DISTANCES, LABELS, weight], tops=2)
    loss, means = run.forward()
    (dx, *_), _ = run.backward([np.array(2.0), np.zeros(2)], [True, False, False])
    total, expected, others = 0.0, np.zeros((6, 4)), []
    for i, row in enumerate(DISTANCES):
        own = int(LABELS[i])
        gaps = {j: row[own] + 0.6 - row[j] for j in range(4) if j != own}
        others += [row[j] for j in gaps]
        counted = [j for j, gap in gaps.items() if gap > 0]
        if hardest and counted:
            counted = [max(gaps, key=gaps.get)]
        far = first and row[own] > 2
        if far:
            counted = []
        total += 0.3 * sum(gaps[j] for j in counted)
        expected[i, counted] = -0.3
        expected[i, own] = 0.8 * (center or far or bool(counted))
        expected[i] *= weight[i]
    np.testing.assert_allclose(loss, total / 6, rtol=1e-6)
    np.testing.assert_allclose(dx, 2 * expected / 6, rtol=1e-6)
    own = DISTANCES[np.arange(6), LABELS.astype(int)]
    np.testing.assert_allclose(means, [own.mean(), np.mean(others)], rtol=1e-9)


@pytest.mark.parametrize("options", ["", "max_negative_only: true", "exp_negative_weight: true",
                                     "positive_first: true positive_upper_bound: 1.5"])  # fmt: skip
def test_general_contrastive_loss(options):
    run = make_layer(CONTRASTIVE % options, [DISTANCES, LABELS], tops=2)
    loss, means = run.forward()
    total, own_terms, other_terms = 0.0, [], []
    for i, row in enumerate(DISTANCES):
        own = int(LABELS[i])
        own_terms.append(min(2, max(0, row[own] - 0.4)))
        below = {j: max(0, 1.6 - row[j]) for j in range(4) if j != own}
        other_terms += below.values()
        terms = dict(below)
        if "exp" in options:
            terms = {j: np.exp(-row[j]) * (gap > 0) for j, gap in below.items()}
        if "max" in options:
            terms = {0: max(terms.values())}
        if "first" in options and row[own] > 1.5:
            terms = {}
        total += 1.5 * own_terms[-1] + 0.7 * sum(terms.values())
    np.testing.assert_allclose(loss, total / 6, rtol=1e-6)
    np.testing.assert_allclose(means, [np.mean(own_terms), np.mean(other_terms)], rtol=1e-6)
    if "first" not in options:  # whose gradient leaves the outlier's threshold out
        text = (CONTRASTIVE % options).replace("thresh: 2", "thresh: 4")
        check_layer(text, [DISTANCES, LABELS], propagate_down=(True, False))


def test_softmax_with_its_name():
    plain = make_layer('type: "SoftmaxWithLoss"', [DISTANCES, LABELS]).forward()[0]
    text = 'type: "SoftmaxWithLoss" softmax_param { normalize_type: "Softmax" }'
    assert make_layer(text, [DISTANCES, LABELS]).forward()[0] == plain
    fails(text.replace('Softmax" }', 'L2" }'), [DISTANCES, LABELS], 'must be "Softmax", got "L2"')


@pytest.mark.parametrize("top_k", [1, 2])
def test_accuracy_of_distances(top_k):
    text = f'type: "Accuracy" accuracy_param {{ min_is_better: true top_k: {top_k} }}'
    order = DISTANCES.argsort(axis=1)[:, :top_k]
    expected = np.mean([label in row for label, row in zip(LABELS, order, strict=True)])
    np.testing.assert_allclose(make_layer(text, [DISTANCES, LABELS]).forward()[0], expected)
    text = text.replace("true", "false")
    expected = make_layer(
        f'type: "Accuracy" accuracy_param {{ top_k: {top_k} }}', [DISTANCES, LABELS]
    )
    assert make_layer(text, [DISTANCES, LABELS]).forward()[0] == expected.forward()[0]


def test_nan_and_labels_out_of_range():
    wrong = "labels must be integers from 0 to 3"
    for text in (CENTER % ("", ""), TRIPLET % "", CONTRASTIVE % ""):
        bottom = X if "Center" in text else DISTANCES
        fails(text, [bottom, LABELS + 2], wrong, "got 4")
        fails(text, [bottom, LABELS - 1], wrong, "got -1")
        fails(text, [bottom, np.full(6, np.nan)], wrong, "got nan")
        run = make_layer(text, [np.full_like(bottom, np.nan), LABELS])
        assert np.isnan(run.forward()[0])


def test_errors():
    fails('type: "CenterLoss"', [X, LABELS], "needs num_output")
    fails(CENTER % ("", 'distance_type: "cos"'), [X, LABELS], 'must be "L1" or "L2"', '"cos"')
    fails('type: "TripletLoss"', [X, X, X[:, :2]], "one shape", "(6, 2, 2)")
    fails(TRIPLET % "", [DISTANCES[:, :1], LABELS * 0], "two classes or more")
    fails(
        CONTRASTIVE % "add_intra_mae: true", [DISTANCES, LABELS], "add_intra_mae is not supported"
    )
    text = (CONTRASTIVE % "").replace("negative_weight: 0.7", "negative_weight: -1")
    fails(text, [DISTANCES, LABELS], "must not be negative, got 1.5 and -1")

"""Features of frames, computed once: which layers those are, and files of them."""

import numpy as np
import pytest

from caffe_lite.errors import DataError, ModelError
from caffe_lite.lrcn.activity import VideoClassifier, frame_net
from caffe_lite.lrcn.activity.feature_files import FeatureFiles
from caffe_lite.lrcn.activity.frame_net import FrameNet
from tests.lrcn.activity.test_classifier import (
    MEAN,
    SCALE,
    SINGLE,
    clip_net,
    make,
    run_clip,
    video,
)
from tests.lrcn.caption_nets import build


def positions(ranges):
    return [i for start, end in ranges for i in range(start, end + 1)]


def names(net, ranges):
    return [net.layers[i].name for i in positions(ranges)]


def test_layers_up_to_the_recurrent_part_see_single_frames():
    net = make(clip_net(3))
    split = FrameNet(net, "data")
    assert split.name == "fc" and names(net, split.layers) == ["conv", "relu", "fc"]
    assert names(net, split.rest) == ["r1", "r2", "lstm", "out", "probs"]
    assert FrameNet(make(SINGLE), "data").name == "probs"


@pytest.mark.parametrize(
    "old, new, name",
    [
        ('type: "Convolution"', 'type: "Crop" bottom: "data"', "data"),
        (
            'name: "relu" type: "ReLU"',
            'name: "relu" type: "Softmax" softmax_param { axis: 0 }',
            "conv",
        ),
        (
            'name: "relu" type: "ReLU"',
            'name: "relu" type: "BatchNorm" batch_norm_param { use_global_stats: false }',
            "conv",
        ),
        ('name: "relu" type: "ReLU"', 'name: "relu" type: "BatchNorm"', "fc"),
    ],
)
def test_layers_that_mix_frames_end_it(old, new, name):
    net = build(SINGLE.replace(old, new))
    found = FrameNet(net, "data").name
    assert found == ("probs" if name == "fc" else name)


def test_a_blob_that_the_rest_reads_as_well_moves_the_cut():
    """The recurrent part reads conv and fc, so only what comes before both is shared."""
    both = (
        clip_net(2)
        .replace(
            'layer { name: "r2"',
            """layer { name: "fc2" type: "InnerProduct" bottom: "conv" top: "fc2"
                 inner_product_param { num_output: 6 } }
        layer { name: "sum" type: "Reshape" bottom: "fc2" top: "x2"
                 reshape_param { shape { dim: 4 dim: 2 dim: 6 } } }
        layer { name: "r2\"""",
        )
        .replace('bottom: "x" bottom: "cm"', 'bottom: "x" bottom: "cm"')
    )
    net = build(both + 'layer { name: "quiet" type: "Silence" bottom: "x2" }')
    split = FrameNet(net, "data")
    assert split.name == "conv" or net.layers[positions(split.layers)[-1]].type == "ReLU"


def test_each_frame_is_computed_once(monkeypatch):
    net = make(clip_net(10))
    classifier = VideoClassifier(net, mean=MEAN, scale=SCALE)
    seen = []
    compute = classifier.frame_net.compute
    monkeypatch.setattr(
        classifier.frame_net, "compute", lambda crops: seen.append(len(crops)) or compute(crops)
    )
    done = []
    classifier.frame_probabilities(video(11), lambda *progress: done.append(progress))
    assert sum(seen) == 110
    assert done == [(4, 11), (8, 11), (11, 11)]


@pytest.mark.parametrize("optimize", [False, True])
def test_the_part_for_frames_has_the_weights_of_the_net(optimize):
    net = make(clip_net(3))
    split = FrameNet(net, "data", optimize)
    frames = np.random.default_rng(3).normal(size=(5, *net.blobs["data"].shape[1:]))
    for factor in (1, 2):  # weights that change later are seen too
        net.params["fc"][0].data[...] *= factor
        net.blobs["data"].reshape(*frames.shape)
        net.blobs["data"].data[...] = frames
        net.forward(0, positions(split.layers)[-1])
        expected = np.array(net.blobs["fc"].data)
        np.testing.assert_allclose(split.compute(frames), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_batches_do_not_matter(monkeypatch, batch):
    frames = video(9)
    expected = VideoClassifier(make(clip_net(3)), mean=MEAN, scale=SCALE).classify(frames)
    monkeypatch.setattr(frame_net, "_CROPS", batch)
    found = VideoClassifier(make(clip_net(3)), mean=MEAN, scale=SCALE).classify(frames)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_net_that_mixes_frames_at_once_classifies_clips_whole():
    """Without per-frame layers the pixels themselves are the features."""
    prototxt = clip_net(2).replace('type: "Convolution"', 'type: "Python" python_param { module: '
        '"tests.lrcn.activity.mixing" layer: "Mixed" }').replace(
        "convolution_param { num_output: 4 kernel_size: 3 }", ""
    )  # fmt: skip
    net, alone = (
        make(prototxt),
        make(
            prototxt.replace("dim: 2 dim: 6", "dim: 1 dim: 6")
            .replace("dim: 4 dim: 2", "dim: 4 dim: 1")
            .replace("input_dim: 8", "input_dim: 4")
        ),
    )
    assert FrameNet(net, "data").name == "data"
    frames = video(6, 5, 6)
    classifier = VideoClassifier(net, crops=1, mean=MEAN, scale=SCALE)
    clip = np.array([((f - MEAN) * SCALE).transpose(2, 0, 1) for f in frames[:4]])
    found = classifier.frame_probabilities(frames)[:4]
    np.testing.assert_allclose(found, run_clip(alone, clip), rtol=1e-4)


def test_features_give_the_same_probabilities():
    for prototxt in (clip_net(3), SINGLE):
        classifier = VideoClassifier(make(prototxt), mean=MEAN, scale=SCALE)
        frames = video(9)
        features = classifier.features(frames)
        assert features.shape[:2] == (9, 10) and features.dtype == np.float32
        np.testing.assert_array_equal(
            classifier.classify_features(features), classifier.classify(frames)
        )
        with pytest.raises(ModelError, match=r"takes features of shape \(frames, 10, "):
            classifier.classify_features(features[:, :5])
        with pytest.raises(DataError, match="a video without frames"):
            classifier.features([])


def test_the_fingerprint_changes_with_weights_and_definitions():
    prints = [FrameNet(make(clip_net(3), seed), "data").fingerprint() for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
    other = FrameNet(make(clip_net(3).replace('type: "ReLU"', 'type: "Sigmoid"')), "data")
    assert other.fingerprint() != prints[0]
    deeper = make(clip_net(3))
    deeper.params["out"][0].data[...] += 1  # not a layer of single frames
    assert FrameNet(deeper, "data").fingerprint() == prints[0]


def test_files_of_features_belong_to_their_frames(tmp_path):
    frames = tmp_path / "v1"
    frames.mkdir()
    for i in (1, 2):
        (frames / f"v1.{i:04d}.jpg").write_bytes(b"x" * i)
    files = FeatureFiles(tmp_path / "features", ["a", 1])
    path = files.path(str(frames))
    assert path.name.startswith("v1.") and files.read(path) is None
    files.write(path, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(files.read(path), [[0, 1, 2], [3, 4, 5]])
    assert FeatureFiles(tmp_path / "features", ["a", 2]).path(str(frames)) != path
    (frames / "v1.0002.jpg").write_bytes(b"new")
    assert files.path(str(frames)) != path
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match="not a file of features: .*; delete it"):
        files.read(path)
    with pytest.raises(DataError, match="cannot be created"):
        FeatureFiles(frames / "v1.0001.jpg" / "x", [])

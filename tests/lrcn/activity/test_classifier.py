"""Videos classified in batches against loops over clips, crops and frames."""

import numpy as np
import pytest

from caffe_lite.data.images import write_image
from caffe_lite.errors import CaffeError, DataError, ModelError
from caffe_lite.lrcn.activity import FolderFrames, VideoClassifier, clip_starts
from tests.lrcn.caption_nets import build

FRAMES = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param { num_output: 6 } }
"""
SINGLE = (
    'name: "single" input: "data" input_shape { dim: 2 dim: 3 dim: 5 dim: 6 }'
    + FRAMES
    + """
layer { name: "out" type: "InnerProduct" bottom: "fc" top: "out"
        inner_product_param { num_output: 7 } }
layer { name: "probs" type: "Softmax" bottom: "out" top: "probs" }
"""
)
STEPS = 4


def clip_net(streams, reshape=True):
    """T = 4; its streams are fixed by Reshape layers, as in LRCN's deploy nets."""
    count = STEPS * streams
    return f"""
        name: "clips" input: "data" input_dim: {count} input_dim: 3 input_dim: 5 input_dim: 6
        input: "clip_markers" input_dim: {count} input_dim: 1 input_dim: 1 input_dim: 1
        {FRAMES}
        layer {{ name: "r1" type: "Reshape" bottom: "fc" top: "x"
                 reshape_param {{ shape {{ dim: {STEPS} dim: {streams} dim: 6 }} }} }}
        layer {{ name: "r2" type: "Reshape" bottom: "clip_markers" top: "cm"
                 reshape_param {{ shape {{ dim: {STEPS} dim: {streams} }} }} }}
        layer {{ name: "lstm" type: "LSTM" bottom: "x" bottom: "cm" top: "h"
                 recurrent_param {{ num_output: 5 }} }}
        layer {{ name: "out" type: "InnerProduct" bottom: "h" top: "out"
                 inner_product_param {{ num_output: 7 axis: 2 }} }}
        layer {{ name: "probs" type: "Softmax" bottom: "out" top: "probs"
                 softmax_param {{ axis: 2 }} }}"""


def make(prototxt, seed=0):
    net = build(prototxt)
    rng = np.random.default_rng(seed)
    for blob in net.learnable_params:
        blob.data[...] = rng.normal(0, 0.4, blob.shape)
    return net


def video(count, height=8, width=9, seed=1):
    return list(np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8))


MEAN, SCALE = (100.0, 120.0, 90.0), 1 / 60


def crops_by_hand(frame, flow):
    """Ten crops (3, 5, 6) of a frame (8, 9, 3), in pycaffe's order."""
    crops = []
    for mirrored in (False, True):
        for top, left in ((0, 0), (0, 3), (3, 0), (3, 3), (1, 1)):
            crop = frame[top : top + 5, left : left + 6].astype(float)
            if mirrored:
                crop = crop[:, ::-1].copy()
                if flow:
                    crop[..., 2] = 255 - crop[..., 2]
            crops.append(((crop - MEAN) * SCALE).transpose(2, 0, 1))
    return crops


def run_clip(net, clip):
    """Probabilities (T, 7) of one clip (T, 3, 5, 6) in stream 0 of a net of one stream."""
    net.blobs["data"].data[...] = clip
    net.blobs["clip_markers"].data[...] = 1
    net.blobs["clip_markers"].data[0] = 0
    net.forward()
    return net.blobs["probs"].data[:, 0].copy()


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("streams", [1, 3, 10])
def test_clips_and_ten_crops_against_loops(flow, streams):
    frames = video(11)
    alone = make(clip_net(1))
    expected = []
    for start in range(0, 11, 2):
        start = start if start + STEPS <= 11 else 11 - STEPS
        crops = [crops_by_hand(frames[start + t], flow) for t in range(STEPS)]
        runs = [run_clip(alone, np.array([crops[t][c] for t in range(STEPS)])) for c in range(10)]
        expected.append(np.mean(runs, axis=0))
    expected = np.concatenate(expected)
    classifier = VideoClassifier(make(clip_net(streams)), flow=flow, mean=MEAN, scale=SCALE)
    found = classifier.frame_probabilities(frames)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(classifier.classify(frames), expected.mean(axis=0), rtol=1e-5)
    other = VideoClassifier(make(clip_net(streams)), flow=not flow, mean=MEAN, scale=SCALE)
    assert abs(other.classify(frames) / found.mean(axis=0) - 1).max() > 0.01


@pytest.mark.parametrize("crops", [1, 10])
@pytest.mark.parametrize("count", [1, 16, 19])
def test_single_frames_against_loops(crops, count):
    frames, net = video(count), make(SINGLE)
    expected = []
    for frame in frames:
        crop = crops_by_hand(frame, flow=True)
        chosen = crop if crops == 10 else crop[4:5]
        net.blobs["data"].reshape(len(chosen), 3, 5, 6)
        net.blobs["data"].data[...] = chosen
        net.forward()
        expected.append(net.blobs["probs"].data.mean(axis=0))
    classifier = VideoClassifier(make(SINGLE), crops=crops, flow=True, mean=MEAN, scale=SCALE)
    np.testing.assert_allclose(
        classifier.frame_probabilities(frames), expected, rtol=1e-5, atol=1e-9
    )


def test_one_crop_packs_clips_into_streams():
    frames = video(13)
    alone = make(clip_net(1))
    expected = [
        run_clip(alone, np.array([crops_by_hand(frames[s + t], False)[4] for t in range(STEPS)]))
        for s in (0, 3, 6, 9, 9)
    ]
    classifier = VideoClassifier(make(clip_net(3)), crops=1, stride=3, mean=MEAN, scale=SCALE)
    np.testing.assert_allclose(
        classifier.frame_probabilities(frames), np.concatenate(expected), rtol=1e-5, atol=1e-9
    )


def test_a_short_video_counts_its_own_frames():
    frames = video(3)
    alone = make(clip_net(1))
    clip = [crops_by_hand(frames[min(t, 2)], False)[4] for t in range(STEPS)]
    classifier = VideoClassifier(make(clip_net(3)), crops=1, mean=MEAN, scale=SCALE)
    found = classifier.frame_probabilities(frames)
    np.testing.assert_allclose(found, run_clip(alone, np.array(clip))[:3], rtol=1e-5, atol=1e-9)


def test_clips_cover_the_video_as_lrcns_evaluation_does():
    def by_hand(count, length, stride):
        return [i if i + length <= count else count - length for i in range(0, count, stride)]

    for count, length, stride in ((17, 16, 8), (24, 16, 8), (100, 16, 8), (9, 4, 3), (5, 4, 1)):
        assert clip_starts(count, length, stride) == by_hand(count, length, stride)
    assert clip_starts(24) == [0, 8, 8]
    assert clip_starts(16) == clip_starts(3) == [0]


def test_frames_of_a_folder_are_read_in_order_and_kept(tmp_path):
    frames = video(12)
    for i, frame in enumerate(frames):
        write_image(tmp_path / f"frame{i + 1}.png", frame)  # 10 sorts before 2 by name
    reads = []
    classifier = VideoClassifier(make(clip_net(10)), mean=MEAN, scale=SCALE)

    def read(path):
        reads.append(path)
        return classifier.images.read(path)

    mine = classifier.classify(FolderFrames(str(tmp_path), read))
    np.testing.assert_array_equal(mine, classifier.classify(frames))
    assert len(reads) == 12
    (tmp_path / "frame7.png").unlink()
    with pytest.raises(DataError, match="frame7.png: frame 7 is missing"):
        FolderFrames(str(tmp_path), read)


def test_only_the_latest_frames_are_kept(monkeypatch, tmp_path):
    from caffe_lite.lrcn.activity import clips

    monkeypatch.setattr(clips, "_KEPT", 5)
    for i, frame in enumerate(video(9)):
        write_image(tmp_path / f"{i:03}.png", frame)
    reads = []
    frames = FolderFrames(str(tmp_path), lambda path: reads.append(path) or len(reads))
    assert [frames[i] for i in (0, 1, 2, 3, 4, 2)] == [1, 2, 3, 4, 5, 3]
    assert frames[5:8] == [6, 7, 8]
    assert frames[0] == 9 and len(reads) == 9
    with pytest.raises(IndexError):
        frames[9]


def test_what_cannot_be_classified_is_told():
    net = make(clip_net(2))
    classifier = VideoClassifier(net)
    with pytest.raises(DataError, match="a video without frames"):
        classifier.classify([])
    with pytest.raises(
        DataError, match="images of 4x9 pixels are smaller than the net's input of 5x6"
    ):
        classifier.classify(video(5, height=4))
    with pytest.raises(CaffeError, match="crops must be 1 or 10, got 5"):
        VideoClassifier(net, crops=5)
    with pytest.raises(
        ModelError,
        match='net "clips" must have two inputs, frames and clip '
        "markers; it has data, clip_markers, more",
    ):
        VideoClassifier(
            make(
                clip_net(2)
                + """
            layer { name: "i" type: "Input" top: "more" input_param { shape { dim: 1 } } }
            layer { name: "s" type: "Silence" bottom: "more" }"""
            )
        )
    with pytest.raises(ModelError, match="by one Softmax layer, it has 0"):
        VideoClassifier(make(SINGLE.replace('type: "Softmax"', 'type: "Sigmoid"')))
    with pytest.raises(
        ModelError,
        match=r"has shape \(N, 1, H, W\) or \(N, 3, H, W\), got "
        r"\(N, 2, 5, 6\)",
    ):
        VideoClassifier(make(SINGLE.replace("dim: 2 dim: 3", "dim: 2 dim: 2")))

import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.forks.video._crops import StackTransformer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.sourceless import without_sources
from caffe_lite.proto import schema, text
from caffe_lite.testing import make_layer
from tests.forks.ssd.sources import write_video
from tests.forks.video.clips import frame, write_clips, write_segments
from tests.layer_case import Case

CASES = [
    Case(
        "VideoData",
        'video_data_param { source: "clips.txt" batch_size: 2 new_length: 3 shuffle: true } '
        "transform_param { mirror: true crop_size: 8 multi_scale: true fix_crop: true }",
        tops=2,
        gradient=False,
    ),
    Case(
        "VideoData",
        'video_data_param { source: "segments.txt" batch_size: 2 new_length: 2 num_segments: 2 } '
        "transform_param { mirror: true is_flow: true mean_value: 128 }",
        tops=2,
        gradient=False,
    ),
]
SOURCES = {"clips.txt": write_clips, "segments.txt": write_segments}
SAMPLES = {"VideoData": ()}
BUILT = []


@pytest.fixture(autouse=True)
def closing():
    BUILT.clear()
    yield
    for run in BUILT:
        run.layer.close()


def start(source, own="", transform="", phase="TEST", seed=0, name="video_data_param"):
    run = make_layer(
        f'type: "VideoData" {name} {{ source: "{source}" {own} }} '
        f"transform_param {{ {transform} }}",
        tops=2,
        phase=phase,
        seed=seed,
    )
    BUILT.append(run)
    return run


@pytest.fixture
def clips(tmp_path):
    write_clips(tmp_path / "clips.txt")
    return tmp_path / "clips.txt"


@pytest.fixture
def segments(tmp_path):
    write_segments(tmp_path / "segments.txt")
    return tmp_path / "segments.txt"


def clip(number, first, length, step=1):
    found = [frame(number, first + i * step) for i in range(length)]
    return np.stack(found).transpose(3, 0, 1, 2)


def test_clips_of_folders(clips):
    data, labels = start(clips, "batch_size: 2 new_length: 3").forward()
    assert data.shape == (2, 3, 3, 12, 16)
    for i in range(2):
        np.testing.assert_allclose(data[i], clip(i, i + 1, 3), atol=2)
    np.testing.assert_array_equal(labels, [0, 3])


def test_fields_of_c3d(clips):
    own = "batch_size: 2 new_length: 2 use_image: true sampling_rate: 2"
    new, old = (
        start(clips, own, name=name).forward()[0]
        for name in ("video_data_param", "image_data_param")
    )
    for i in range(2):
        np.testing.assert_allclose(new[i], clip(i, i + 1, 2, step=2), atol=2)
    np.testing.assert_array_equal(new, old)


def test_clips_that_begin_at_random(tmp_path):
    write_clips(tmp_path / "clips.txt", count=1)
    (tmp_path / "frames.txt").write_text(f"{tmp_path / 'clips_0'} 5 1\n")
    own = "batch_size: 12 new_length: 3 use_image: true use_temporal_jitter: true"
    (data, _) = start(tmp_path / "frames.txt", own, phase="TRAIN").forward()
    starts = {round(each[0, 0, 0, 0] / 10) for each in data}
    assert starts == {1, 2, 3}
    (data, _) = start(tmp_path / "frames.txt", own).forward()
    assert {round(each[0, 0, 0, 0] / 10) for each in data} == {1}


def test_rates_that_are_drawn(tmp_path):
    write_clips(tmp_path / "clips.txt", count=1)
    own = """batch_size: 12 new_length: 2 use_image: true use_sampling_rate_jitter: true
        max_sampling_rate: 3"""
    (data, _) = start(tmp_path / "clips.txt", own).forward()
    steps = {round((each[0, 1, 0, 0] - each[0, 0, 0, 0]) / 10) for each in data}
    assert steps == {1, 2, 3}


def test_video_files(tmp_path):
    pytest.importorskip("av")
    write_video(tmp_path / "clip.mp4")
    (tmp_path / "list.txt").write_text(f"{tmp_path / 'clip.mp4'} 2 4\n")
    own = "batch_size: 1 new_length: 3 new_height: 6 new_width: 8"
    for more, first in (("", 1), ("use_image: false", 2)):
        data, labels = start(tmp_path / "list.txt", f"{own} {more}").forward()
        assert data.shape == (1, 3, 3, 6, 8) and labels == [4]
        expected = 40 + 20 * np.arange(first, first + 3)
        np.testing.assert_allclose(data[0, 1, :, 3, 3], expected, atol=4)
    (grey, _) = start(tmp_path / "list.txt", f"{own} is_color: false").forward()
    assert grey.shape == (1, 1, 3, 6, 8)
    (tmp_path / "list.txt").write_text(f"{tmp_path / 'clip.mp4'} 6 4\n")
    with pytest.raises(CaffeError, match="needs 3 frames from 6 on, got 2"):
        start(tmp_path / "list.txt", own)


def test_all_frames_are_cropped_and_mirrored_alike(clips):
    transform = "crop_size: 4 mirror: true mean_value: 1 mean_value: 2 mean_value: 3 scale: 0.5"
    run = start(clips, "batch_size: 2 new_length: 3", transform, phase="TRAIN")
    (data, _) = run.forward()
    assert data.shape == (2, 3, 3, 4, 4)
    shift = data * 2 + np.array([1, 2, 3]).reshape(3, 1, 1, 1)
    for i in range(2):
        for k in range(3):
            # Each frame has a constant left and a right half 5 levels above.
            level = shift[i, :, k] - frame(i, i + 1 + k)[0, 0, 0]
            assert -3 < level.min() and level.max() < 8
            np.testing.assert_allclose(level, shift[i, :, 0] - frame(i, i + 1)[0, 0, 0], atol=3)


def test_a_mean_clip(clips, tmp_path):
    mean = schema.BlobProto()
    mean.shape.dim.extend([1, 3, 3, 12, 16])
    values = np.random.default_rng(0).uniform(0, 9, (3, 3, 12, 16)).astype(np.float32)
    mean.data.extend(values.ravel())
    (tmp_path / "mean.binaryproto").write_bytes(mean.SerializeToString())
    own = "batch_size: 2 new_length: 3"
    plain, _ = start(clips, own).forward()
    less, _ = start(clips, own, f'mean_file: "{tmp_path / "mean.binaryproto"}"').forward()
    np.testing.assert_allclose(less, plain - values, rtol=1e-6)


def test_segments_of_colour_and_of_flow(segments):
    own = "batch_size: 2 new_length: 1 num_segments: 2"
    rgb, labels = start(segments, f"{own} modality: RGB").forward()
    assert rgb.shape == (2, 6, 12, 16) and labels.shape == (2, 1, 1, 1)
    np.testing.assert_array_equal(labels.ravel(), [0, 1])
    for i in range(2):
        # Two parts of four frames: the middle of each is its frame 3, counted from 1.
        expected = np.concatenate([frame(i, n).transpose(2, 0, 1) for n in (3, 7)])
        np.testing.assert_allclose(rgb[i], expected, atol=2)
    flow, _ = start(segments, own).forward()
    assert flow.shape == (2, 4, 12, 16)
    np.testing.assert_allclose(flow[1, :, 0, 0], [70, 75, 110, 115], atol=2)
    grey, _ = start(segments, f"{own} modality: RGB grayscale: true").forward()
    assert grey.shape == (2, 2, 12, 16)
    named, _ = start(segments, f'{own} modality: RGB name_pattern: "image_%04d.jpg"').forward()
    np.testing.assert_array_equal(named, rgb)


def test_segments_as_a_clip(segments):
    own = "batch_size: 2 new_length: 2 num_segments: 2 modality: RGB"
    stacked, _ = start(segments, own).forward()
    clip, _ = start(segments, f"{own} length_first: true").forward()
    assert clip.shape == (2, 3, 4, 12, 16)
    np.testing.assert_array_equal(clip, stacked.reshape(2, 4, 3, 12, 16).swapaxes(1, 2))


def test_segments_begin_at_random_in_training(segments):
    own = "batch_size: 24 new_length: 2 num_segments: 2 modality: RGB"
    data, labels = start(segments, own, phase="TRAIN").forward()
    first = np.rint((data[:, 0, 0, 0] - 40 * labels.ravel()) / 10)
    second = np.rint((data[:, 6, 0, 0] - 40 * labels.ravel()) / 10)
    assert set(first) == {1, 2, 3} and set(second) == {5, 6, 7}


def test_mirrored_flow_changes_its_sign(segments):
    own = "batch_size: 2 new_length: 1 num_segments: 1"
    runs = [
        start(segments, own, "mirror: true is_flow: true", seed=seed).forward()[0]
        for seed in range(4)
    ]
    values = {tuple(np.rint(each[0, :, 0, 0] / 5).astype(int)) for run in runs for each in [run]}
    assert values == {(10, 11), (41, 11)}


def test_crops_of_several_scales():
    def places(more=""):
        fields = f"crop_size: 6 multi_scale: true scale_ratios: [1, 0.5] {more}"
        param = text.parse(fields, schema.TransformationParameter)
        transformer = StackTransformer(param, True, np.random.default_rng(4))
        drawn = [transformer._place(12, 16) for _ in range(300)]
        return {tuple((part.start, part.stop - part.start) for part in each) for each in drawn}

    sizes = {(rows[1], columns[1]) for rows, columns in places()}
    assert sizes == {(12, 12), (12, 6), (6, 12), (6, 6)}
    same = {(rows[1], columns[1]) for rows, columns in places("max_distort: 0")}
    assert same == {(12, 12), (6, 6)}
    starts = {(r[0], c[0]) for r, c in places("fix_crop: true") if (r[1], c[1]) == (6, 6)}
    assert starts == {(0, 0), (0, 8), (4, 0), (4, 8), (2, 4)}
    more = places("fix_crop: true more_fix_crop: true")
    assert len({(r[0], c[0]) for r, c in more if (r[1], c[1]) == (6, 6)}) == 13


def test_a_definition_without_its_source():
    prototxt = """layer { name: "d" type: "VideoData" top: "d" top: "l" video_data_param {
        source: "none.txt" batch_size: 3 new_length: 10 %s } transform_param { crop_size: 8 } }"""
    for more, shape in (("", (3, 3, 10, 8, 8)), ("modality: FLOW", (3, 20, 8, 8))):
        net = text.parse(prototxt % more, schema.NetParameter)
        (layer,) = without_sources(net)[0].layer
        assert str(list(shape)) in layer.python_param.param_str


def test_ssds_meaning_stays():
    layer = text.parse(
        'type: "VideoData" video_data_param { video_file: "a" }', schema.LayerParameter
    )
    assert layer_class("VideoData", layer).__module__ == "caffe_lite.forks.ssd.video_data"


@pytest.mark.parametrize(
    "own, transform, message",
    [
        ("new_length: 0", "", "needs new_length of at least 1"),
        ("new_height: 4", "", "new_height and new_width together, got 1, 4 and 0"),
        ("batch_size: 0", "", "batch_size must be at least 1"),
        ("new_length: 9", "", "000006.jpg"),
        ("", "crop_size: 99", "crop_size 99 is larger"),
        ("", "multi_scale: true", "multi_scale needs crop_size"),
        ("", "scale_ratios: 2", "at most 1, got 2"),
    ],
)
def test_errors(clips, own, transform, message):
    with pytest.raises(CaffeError) as caught:
        start(clips, own, transform).forward()
    assert message in str(caught.value) and "\n" not in str(caught.value)

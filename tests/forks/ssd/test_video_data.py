import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.testing import make_layer
from tests.forks.ssd.sources import write_video
from tests.layer_case import Case

CASES = [
    Case(
        "VideoData",
        "data_param { batch_size: 1 } transform_param { resize_param { height: 9 width: 8 } } "
        'video_data_param { video_type: VIDEO video_file: "long.mp4" }',
        tops=2,
        gradient=False,
    ),
]
SOURCES = {"clip.mp4": write_video, "long.mp4": lambda path: write_video(path, frames=30)}
SAMPLES = {"VideoData": ()}
LEVELS = [40 + 20 * i for i in range(7)]


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "clip.mp4")
    return tmp_path / "clip.mp4"


BUILT = []


@pytest.fixture(autouse=True)
def closing():
    BUILT.clear()
    yield
    for run in BUILT:
        run.layer.close()


def start(video, batch=1, skip=0, transform="", tops=1, fields="video_type: VIDEO"):
    run = make_layer(
        f'type: "VideoData" data_param {{ batch_size: {batch} prefetch: 1 }} transform_param {{ '
        f'{transform} }} video_data_param {{ {fields} video_file: "{video}" skip_frames: {skip} }}',
        tops=tops,
    )
    BUILT.append(run)
    return run


def levels(run, batches):
    return [round(float(image.mean())) for _ in range(batches) for image in run.forward()[0]]


@pytest.mark.parametrize("batch, skip, taken", [(1, 0, 7), (3, 0, 6), (1, 1, 3), (2, 2, 2)])
def test_frames_in_order(video, batch, skip, taken):
    run = start(video, batch, skip)
    assert run.top[0].shape == (batch, 3, 24, 32)
    found = levels(run, taken // batch)
    np.testing.assert_allclose(found, LEVELS[skip :: skip + 1][:taken], atol=3)


def test_the_end_is_an_error(video):
    run = start(video)
    levels(run, 7)
    with pytest.raises(CaffeError, match=r"clip\.mp4: the video has ended after 7 frames"):
        run.forward()


def test_transformations_and_labels(video):
    run = start(video, 2, transform="mean_value: 40 resize_param { height: 9 width: 8 }", tops=2)
    data, label = run.forward()
    assert data.shape == (2, 3, 9, 8) and label.tolist() == [0, 0]
    np.testing.assert_allclose(data.mean(axis=(1, 2, 3)), [0, 20], atol=3)


def test_a_run_goes_on_where_it_was(video):
    first = start(video, skip=1)
    first.forward()
    state = first.layer.get_state()
    expected = first.forward()[0]
    second = start(video, skip=1)
    second.layer.set_state(state)
    np.testing.assert_array_equal(second.forward()[0], expected)


@pytest.mark.parametrize(
    "fields, message",
    [
        ("", "reads video files, not a camera; set video_type: VIDEO"),
        ("video_type: WEBCAM device_id: 1", "not a camera"),
    ],
)
def test_a_camera_is_refused(video, fields, message):
    with pytest.raises(CaffeError, match=message):
        start(video, fields=fields)


def test_files_that_are_no_videos(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    for name, message in (("text.mp4", "cannot be decoded"), ("none.mp4", "No such file")):
        with pytest.raises(CaffeError, match=message) as caught:
            start(tmp_path / name)
        assert str(caught.value).startswith('layer "layer" (VideoData): ')
    with pytest.raises(CaffeError, match="needs video_data_param { video_file }"):
        start("")

"""WindowData: which windows are drawn, how they are warped, and broken window files."""

import numpy as np
import pytest

from caffe_lite.data.images import write_image
from caffe_lite.data.resize import resize
from caffe_lite.testing import make_layer
from tests.layers.sources import batches, check_resume, fails_with, pictures, write_mean

IMAGES = pictures(2, 12, 14)
WINDOWS = [
    ["3 0.9 1 2 6 7", "0 0.1 5 0 9 3", "2 0.5 0 0 13 11", "1 0.45 2 2 4 4"],
    ["0 0 8 8 13 11", "5 0.7 4 1 11 6"],
]


def write(folder, windows=WINDOWS):
    lines = []
    for i, (image, own) in enumerate(zip(IMAGES, windows, strict=True)):
        write_image(folder / f"{i}.png", image.transpose(1, 2, 0))
        lines += [f"# {i}", f"{i}.png", "3", "12", "14", str(len(own)), *own]
    (folder / "windows.txt").write_text("\n".join(lines) + "\n")


def text(folder, options="batch_size: 4", transform="crop_size: 6"):
    return (
        f'type: "WindowData" transform_param {{ {transform} }} window_data_param {{ '
        f'source: "{folder}/windows.txt" root_folder: "{folder}/" {options} }}'
    )


def crop(image, x1, y1, x2, y2, height=6, width=6):
    part = np.ascontiguousarray(IMAGES[image][:, y1 : y2 + 1, x1 : x2 + 1].transpose(1, 2, 0))
    return resize(part, height, width).transpose(2, 0, 1).astype(np.float64)


FOREGROUND = {3: crop(0, 1, 2, 6, 7), 2: crop(0, 0, 0, 13, 11), 5: crop(1, 4, 1, 11, 6)}
BACKGROUND = [crop(0, 5, 0, 9, 3), crop(1, 8, 8, 13, 11)]


def test_background_first_then_foreground(tmp_path):
    write(tmp_path)
    run = make_layer(text(tmp_path, "batch_size: 8 fg_fraction: 0.4 bg_threshold: 0.3"))
    assert [blob.shape for blob in run.top] == [(8, 3, 6, 6), (8,)]
    seen = set()
    for data, label in batches(run, 12):
        assert (label[:5] == 0).all()
        for picture, name in zip(data[5:], label[5:], strict=True):
            np.testing.assert_array_equal(picture, FOREGROUND[int(name)])
            seen.add(int(name))
        for picture in data[:5]:
            which = [i for i, other in enumerate(BACKGROUND) if (picture == other).all()]
            assert len(which) == 1
            seen.add(-which[0])
    assert seen == {2, 3, 5, 0, -1}
    run.layer.close()


def test_mirror_mean_and_scale(tmp_path):
    write(tmp_path)
    options = "batch_size: 40 fg_fraction: 1 fg_threshold: 0.8"
    run = make_layer(
        text(
            tmp_path,
            options,
            "crop_size: 6 mirror: true mean_value: 1 mean_value: 2 mean_value: 4 scale: 0.5",
        )
    )
    data, _ = run.forward()
    plain = (FOREGROUND[3] - np.array([1, 2, 4]).reshape(3, 1, 1)) / 2
    mirrored = [bool((picture == plain[:, :, ::-1]).all()) for picture in data]
    assert {True, False} == set(mirrored)
    for picture, flipped in zip(data, mirrored, strict=True):
        np.testing.assert_array_equal(picture, plain[:, :, ::-1] if flipped else plain)
    run.layer.close()


def test_the_middle_of_a_mean_file(tmp_path):
    write(tmp_path)
    mean = np.arange(3 * 9 * 10, dtype=np.float32).reshape(3, 9, 10)
    write_mean(tmp_path / "mean", mean)
    run = make_layer(
        text(
            tmp_path,
            "batch_size: 1 fg_fraction: 1 fg_threshold: 0.8",
            f'crop_size: 6 mean_file: "{tmp_path}/mean"',
        )
    )
    np.testing.assert_array_equal(run.forward()[0][0], FOREGROUND[3] - mean[:, 2:8, 2:8])
    run.layer.close()


@pytest.mark.parametrize("mode", ["warp", "square"])
def test_context_reaches_over_the_image_and_stays_empty_there(tmp_path, mode):
    """Caffe's arithmetic, worked out by hand for one window of 6 x 6 in the corner (8, 6)."""
    write(tmp_path, [["1 1 8 6 13 11"], ["0 0 0 0 5 5"]])
    run = make_layer(
        text(
            tmp_path,
            f'batch_size: 12 fg_fraction: 1 context_pad: 1 crop_mode: "{mode}"',
            "crop_size: 6 mirror: true",
        )
    )
    (data, _) = run.forward()
    # scale 6 / 4: center (11, 9), half 4.5 -> 7 (6.5 rounds away) ... 16, 5 ... 14; 10 pixels each
    # 3 beyond the image on both sides, so 7 of 10 pixels: round(7 * 0.6) = 4 of 6
    expected = np.zeros((3, 6, 6))
    expected[:, :4, :4] = crop(0, 7, 5, 13, 11, 4, 4)
    mirrored = [bool((picture == expected[:, :, ::-1]).all()) for picture in data]
    assert {True, False} == set(mirrored)
    for picture, flipped in zip(data, mirrored, strict=True):
        np.testing.assert_array_equal(picture, expected[:, :, ::-1] if flipped else expected)
    run.layer.close()


def test_square_grows_the_shorter_side(tmp_path):
    write(tmp_path, [["1 1 4 3 8 5"], ["0 0 0 0 5 5"]])
    run = make_layer(text(tmp_path, 'batch_size: 1 fg_fraction: 1 crop_mode: "square"'))
    # 5 x 3 around (6.5, 4.5), half 2.5: columns 4 ... 9, rows 2 ... 7
    np.testing.assert_array_equal(run.forward()[0][0], crop(0, 4, 2, 9, 7))
    run.layer.close()


@pytest.mark.parametrize("before", [0, 2])
def test_resume_with_cached_images(tmp_path, before):
    write(tmp_path)
    check_resume(
        text(tmp_path, "batch_size: 3 cache_images: true", "crop_size: 6 mirror: true"), before, 4
    )


def test_errors(tmp_path):
    write(tmp_path)
    fails_with(text(tmp_path, transform=""), "crop_size } of at least 1")
    fails_with(text(tmp_path, "batch_size: 1 context_pad: 3"), "less than half of crop_size 6")
    fails_with(text(tmp_path, 'batch_size: 1 crop_mode: "wrap"'), '"warp" or "square"', '"wrap"')
    fails_with(text(tmp_path, "batch_size: 1 fg_fraction: 2"), "fg_fraction must be in [0, 1]")
    fails_with(text(tmp_path, "batch_size: 1 crop_size: 6"), "belongs in transform_param")
    fails_with(text(tmp_path, "batch_size: 1 fg_threshold: 2"), "no foreground windows")
    for content, message in (
        ("# 0\na.png\n3 4", "windows.txt:3: the file ends within a block"),
        ("# 0\na.png\n3 x 4 0", 'windows.txt:3: expected a whole number (int32), got "x"'),
        ("a.png", 'must begin with "# index", got "a.png"'),
        ("# 0 a.png 1 4 4 0", "listed with 3 channels, got 1"),
        ("# 0 a.png 3 4 4 1\n0 0.9 0 0 1 1", "needs a class above 0, got 0"),
    ):
        (tmp_path / "windows.txt").write_text(content)
        fails_with(text(tmp_path), message)
    write(tmp_path, [["1 1 4 3 14 5"], ["0 0 0 0 5 5"]])
    fails_with(
        text(tmp_path, "batch_size: 1 fg_fraction: 1"),
        "window (4, 3) to (14, 5) is not inside",
        "14 x 12 pixels",
    )

"""Images changed as OpenCV does, by the record of tools/record_ssd_images_with_opencv.py."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.errors import DataError
from caffe_lite.forks.ssd import _colors, _histograms, _noise
from caffe_lite.forks.ssd._distort import Distortion
from caffe_lite.forks.ssd._noise import Noise
from caffe_lite.forks.ssd._resample import resample
from caffe_lite.proto import schema, text

RECORD = np.load(Path(__file__).parents[2] / "reference/forks/ssd_images.npz")
RESIZED = [name for name in RECORD.files if name.startswith("resize/")]
IMAGE, LARGE = RECORD["image"], RECORD["large"]


def near(mine, expected, levels=1, share=1.0):
    """Within so many levels; and equal in at least that share of the pixels."""
    difference = np.abs(mine.astype(int) - expected)
    assert mine.dtype == np.uint8
    assert difference.max() <= levels
    assert (difference == 0).mean() >= share


@pytest.mark.parametrize("name", RESIZED)
def test_resampling(name):
    _, mode, size = name.split("/")
    mine = resample(IMAGE, *map(int, size.split("x")), mode)
    near(mine, RECORD[name], 1, 0.85 if mode in ("AREA", "LANCZOS4") else 1)


def test_colour_spaces():
    near(_colors.to_hsv(IMAGE), RECORD["hsv"], share=0.99)
    hsv = RECORD["hsv"].copy()
    hsv[..., 0] += 40
    near(_colors.from_hsv(hsv), RECORD["from_hsv"], share=0.98)
    near(_colors.to_ycrcb(IMAGE), RECORD["ycrcb"], share=0.98)
    near(_colors.from_ycrcb(RECORD["ycrcb"]), RECORD["from_ycrcb"], share=0.98)
    near(_colors.to_grey(LARGE), RECORD["grey"], share=0.99)


def test_hues_of_pure_colours():
    bgr = np.array([[[0, 0, 255], [0, 255, 0], [255, 0, 0], [7, 7, 7], [0, 0, 0]]], np.uint8)
    hsv = _colors.to_hsv(bgr)
    assert hsv[0].tolist() == [[0, 255, 255], [60, 255, 255], [120, 255, 255], [0, 0, 7], [0, 0, 0]]
    assert (_colors.from_hsv(hsv) == bgr).all()


def test_histograms():
    near(_histograms.equalize(RECORD["grey"]), RECORD["equalized"], 1, 0.99)
    near(_histograms.equalize_tiles(RECORD["grey"]), RECORD["clahe"], 1, 0.97)
    flat = np.full((5, 4), 9, np.uint8)
    assert (_histograms.equalize(flat) == flat).all()


def test_blur_and_erosion():
    near(_noise._blur(IMAGE), RECORD["blur"], 1, 0.9)
    near(_noise._erode(IMAGE), RECORD["erode"])


def noise(fields, image=IMAGE):
    param = text.parse(fields, schema.NoiseParameter)
    return Noise(param).apply(image, np.random.default_rng(3))


def test_simple_noise():
    assert noise("", IMAGE) is IMAGE
    assert (noise("inverse: true") == 255 - IMAGE).all()
    posterized = noise("posterize: true")
    assert set(np.unique(posterized)) <= {32, 96, 160, 224}
    assert (np.abs(posterized.astype(int) - IMAGE) <= 32).all()
    grey = noise("decolorize: true")
    assert (grey == _colors.to_grey(IMAGE)[..., None]).all()
    assert (noise("convert_to_hsv: true") == _colors.to_hsv(IMAGE)).all()


def test_noise_on_brightness():
    for field, change in (("hist_eq", _histograms.equalize), ("clahe", _histograms.equalize_tiles)):
        mine = noise(f"{field}: true", LARGE)
        ycrcb = _colors.to_ycrcb(LARGE)
        ycrcb[..., 0] = change(ycrcb[..., 0])
        assert (mine == _colors.from_ycrcb(ycrcb)).all()
        assert (noise(f"{field}: true", LARGE[..., :1]) == change(LARGE[..., 0])[..., None]).all()


def test_jpeg_loses_more_at_lower_quality():
    lost = [np.abs(noise(f"jpeg: {quality}").astype(int) - IMAGE).mean() for quality in (90, 10)]
    assert 0 < lost[0] < lost[1]


def test_salt_and_pepper():
    fields = "saltpepper: true saltpepper_param { fraction: 0.2 value: %s }"
    salted = noise(fields % "250.0 value: 3.0 value: 9.0", np.full((30, 40, 3), 128, np.uint8))
    changed = (salted != 128).any(axis=2)
    assert 0.1 < changed.mean() <= 0.2
    assert (salted[changed] == [250, 3, 9]).all()


def test_distortion_in_its_ranges():
    param = text.parse(
        """brightness_prob: 0.5 brightness_delta: 32 contrast_prob: 0.5 contrast_lower: 0.5
           contrast_upper: 1.5 hue_prob: 0.5 hue_delta: 18 saturation_prob: 0.5
           saturation_lower: 0.5 saturation_upper: 1.5 random_order_prob: 0.1""",
        schema.DistortionParameter,
    )
    rng = np.random.default_rng(0)
    made = [Distortion(param).apply(IMAGE, rng) for _ in range(60)]
    assert all(each.shape == IMAGE.shape and each.dtype == np.uint8 for each in made)
    same = sum((each == IMAGE).all() for each in made)
    assert 0 < same < 12  # 1 of 16 has none of the four changes
    again = np.random.default_rng(0)
    assert all((each == Distortion(param).apply(IMAGE, again)).all() for each in made)


@pytest.mark.parametrize(
    "fields, expected",
    [
        ("brightness_prob: 1 brightness_delta: 40", lambda x, d: x + d),
        ("contrast_prob: 1 contrast_lower: 0.5 contrast_upper: 0.9", lambda x, d: x * d),
    ],
)
def test_one_change_is_the_same_for_all_pixels(fields, expected):
    param = text.parse(fields, schema.DistortionParameter)
    flat = np.arange(100, 160, dtype=np.uint8).reshape(5, 4, 3)
    made = Distortion(param).apply(flat, np.random.default_rng(1)).astype(float)
    if "contrast" in fields:
        ratio = made / flat
        assert ratio.std() < 0.01 and 0.5 <= ratio.mean() <= 0.9
    else:
        assert len(np.unique(made - flat)) == 1 and made[0, 0, 0] != flat[0, 0, 0]


def test_saturation_of_zero_is_grey():
    param = text.parse("saturation_prob: 1", schema.DistortionParameter)
    made = Distortion(param).apply(IMAGE, np.random.default_rng(1))
    assert (made == made[..., :1]).all()


@pytest.mark.parametrize(
    "make, fields, message",
    [
        (Distortion, "hue_delta: -1", "hue_delta must not be negative, got -1"),
        (Distortion, "contrast_lower: 2 contrast_upper: 1", "contrast_lower must not exceed"),
        (Noise, "convert_to_lab: true", "convert_to_lab is not supported"),
        (Noise, "saltpepper: true", "needs saltpepper_param"),
    ],
)
def test_errors(make, fields, message):
    kind = schema.DistortionParameter if make is Distortion else schema.NoiseParameter
    with pytest.raises(DataError, match=message):
        make(text.parse(fields, kind))


def test_grey_images_have_no_colours():
    with pytest.raises(DataError, match="needs images of 3 channels, got 1"):
        Distortion(schema.DistortionParameter()).apply(IMAGE[..., :1], np.random.default_rng(0))
    with pytest.raises(DataError, match="need images of 3 channels, got 1"):
        noise("decolorize: true", IMAGE[..., :1])

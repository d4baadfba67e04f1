"""`roi_data_layer.layer`: images, objects and regions from a window file or a roidb."""

import numpy as np
import pytest
from PIL import Image

from caffe_lite.errors import CaffeError
from caffe_lite.nets.net import Net
from caffe_lite.nets.sourceless import without_sources
from caffe_lite.proto import schema, text

FASTER = ("data", "im_info", "gt_boxes")
FAST = ("data", "rois", "labels", "bbox_targets", "bbox_inside_weights", "bbox_outside_weights")
MEAN = np.array([102.9801, 115.9465, 122.7717])
WINDOWS = [  # of each image: class, overlap, x1, y1, x2, y2
    [(1, 1, 2, 3, 20, 22), (2, 1, 10, 5, 29, 19), (1, 0.7, 3, 3, 22, 22), (0, 0.1, 0, 0, 4, 5)],
    [(2, 1, 5, 5, 15, 35), (0, 0.2, 0, 0, 9, 9), (0, 0, 10, 30, 19, 39)],
    [(0, 0, 1, 1, 5, 5)],
]
SIZES = [(25, 30), (40, 20), (30, 30)]  # height, width


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(4)
    lines = []
    for i, (size, windows) in enumerate(zip(SIZES, WINDOWS, strict=True)):
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        lines += [f"# {i}", f"{i}.png", "3", *map(str, size), str(len(windows))]
        lines += [" ".join(map(str, window)) for window in windows]
    (tmp_path / "windows.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def definition(folder, tops, settings="", source=True):
    param = f"'num_classes': 3\\nSCALES: [50]\\nMAX_SIZE: 90\\n{settings}"
    if source:
        param += f"\\nsource: '{folder}/windows.txt'\\nroot_folder: '{folder}/'"
    names = " ".join(f'top: "{name}"' for name in tops)
    return text.parse(
        f"""layer {{ name: "data" type: "Python" {names} python_param {{
            module: "roi_data_layer.layer" layer: "RoIDataLayer" param_str: "{param}" }} }}""",
        schema.NetParameter,
    )


def batch(net):
    net.forward()
    return [blob.data.copy() for blob in net.blobs.values()]


def test_objects_for_faster_rcnn(images):
    seen = set()
    with Net(definition(images, FASTER)) as net:
        for _ in range(4):  # two images with objects, each also mirrored
            data, info, objects = batch(net)
            index = int(len(objects) == 1)
            height, width = SIZES[index]
            scale = 50 / min(height, width) if index == 0 else 90 / 40
            np.testing.assert_allclose(info, [[*data.shape[2:], scale]], rtol=1e-6)
            assert data.shape == (1, 3, round(height * scale), round(width * scale))
            given = np.array([w for w in WINDOWS[index] if w[1] == 1], float)
            boxes = given[:, 2:] * scale
            mirrored = not np.allclose(objects[:, :4], boxes, atol=1e-4)
            if mirrored:
                boxes[:, [0, 2]] = data.shape[3] - scale - boxes[:, [2, 0]]
            np.testing.assert_allclose(objects, np.column_stack([boxes, given[:, 0]]), atol=1e-3)
            pixels = np.asarray(Image.open(images / f"{index}.png"), float)[..., ::-1]
            means = (pixels - MEAN).transpose(2, 0, 1).mean(axis=(1, 2))
            np.testing.assert_allclose(data[0].mean(axis=(1, 2)), means, atol=6)
            left = pixels[:, ::-1] if mirrored else pixels
            half = (left[:, : width // 2] - MEAN).mean()
            assert abs(data[0][..., : data.shape[3] // 2].mean() - half) < 6
            seen.add((index, mirrored))
    assert seen == {(0, False), (0, True), (1, False), (1, True)}


def test_regions_for_fast_rcnn(images):
    settings = "USE_FLIPPED: False\\nBATCH_SIZE: 6\\nIMS_PER_BATCH: 3\\nFG_FRACTION: 0.5"
    with Net(definition(images, FAST, settings)) as net:
        data, rois, labels, codes, inside, outside = batch(net)
    assert data.shape[:2] == (3, 3)
    assert [list(rois[:, 0]).count(i) for i in range(3)] in ([2, 2, 1], [2, 1, 2], [1, 2, 2])
    assert (labels > 0).sum() == 2 and codes.shape == (5, 12)
    for label, own, weights in zip(labels, codes, inside, strict=True):
        columns = np.flatnonzero(weights)
        np.testing.assert_array_equal(columns, 4 * label + np.arange(4) if label else [])
        assert not np.delete(own, columns).any()
    np.testing.assert_array_equal(outside, inside)


def test_a_roidb(images):
    boxes = np.array([[2, 3, 20, 22], [0, 0, 9, 9]])
    roidb = [
        {"image": str(images / "0.png"), "boxes": boxes, "gt_classes": np.array([2, 0])},
        {"image": str(images / "0.png"), "boxes": boxes, "gt_classes": [2, 0], "flipped": True},
    ]
    found = []
    with Net(definition(images, FASTER, source=False)) as net:
        with pytest.raises(CaffeError, match="has no images: give a window file"):
            net.forward()
        net.layers[0].set_roidb(roidb)
        for _ in range(2):
            data, _, objects = batch(net)
            np.testing.assert_allclose(objects, [[4, 6, 40, 44, 2]], atol=1e-4)
            found.append(data)
    np.testing.assert_array_equal(found[0], found[1][..., ::-1])


def test_shapes_are_known_without_the_images():
    net, guessed = without_sources(definition("nowhere", FASTER))
    with Net(net) as made:
        shapes = [blob.shape for blob in made.blobs.values()]
    assert shapes == [(1, 3, 50, 90), (1, 3), (1, 5)] and not guessed
    net, _ = without_sources(definition("nowhere", FAST[:5]))
    with Net(net) as made:
        shapes = [blob.shape for blob in made.blobs.values()]
    assert shapes == [(2, 3, 50, 90), (1, 5), (1,), (1, 12), (1, 12)]


def test_it_resumes(images):
    param = definition(images, FASTER)
    with Net(param) as net, Net(param, seed=8) as other:
        batch(net)
        other.layers[0].set_state(net.layers[0].get_state())
        for _ in range(5):
            for mine, theirs in zip(batch(net), batch(other), strict=True):
                np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    "tops, settings, reason",
    [
        (FASTER, "IMS_PER_BATCH: 2", "IMS_PER_BATCH must be 1"),
        (FAST, "BATCH_SIZE: 7", "BATCH_SIZE (7) must be a multiple of the 2 images"),
        (FASTER[:2] + FAST[1:3], "", "has the tops data, im_info and gt_boxes"),
        (FAST, "IMS_PER_BATCH: 8\\nUSE_FLIPPED: no", "needs 8 images or more"),
        (FAST, "FG_FRACTION: 2", "FG_FRACTION in [0, 1]"),
    ],
)
def test_errors(images, tops, settings, reason):
    with pytest.raises(CaffeError) as caught:
        Net(definition(images, tops, settings))
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(CaffeError, match=r"windows.txt") as caught:
        Net(definition(tmp_path, FASTER))
    assert "\n" not in str(caught.value)

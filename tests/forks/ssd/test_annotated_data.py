import numpy as np
import pytest

from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.errors import CaffeError
from caffe_lite.forks.ssd._samplers import Jitter
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.sourceless import without_sources
from caffe_lite.proto import schema, text
from caffe_lite.testing import make_layer
from tests.forks.ssd.sources import OBJECTS, images, record, write_boxes
from tests.layer_case import Case

CASES = [
    Case(
        "AnnotatedData",
        'data_param { source: "boxes_lmdb" backend: LMDB batch_size: 2 } '
        "transform_param { mirror: true mean_value: 100 resize_param { height: 9 width: 8 } "
        "expand_param { prob: 0.5 max_expand_ratio: 2 } "
        "distort_param { brightness_prob: 0.5 brightness_delta: 32 hue_prob: 0.5 hue_delta: 18 } } "
        "annotated_data_param { batch_sampler { max_sample: 1 sampler { min_scale: 0.4 } "
        "sample_constraint { min_jaccard_overlap: 0.3 } } }",
        tops=2,
        gradient=False,
    ),
]
SOURCES = {"boxes_lmdb": write_boxes}
SAMPLES = {"AnnotatedData": ()}


@pytest.fixture
def database(tmp_path):
    write_boxes(tmp_path / "boxes_lmdb")
    return tmp_path / "boxes_lmdb"


@pytest.fixture(autouse=True)
def closing():
    BUILT.clear()
    yield
    for run in BUILT:
        run.layer.close()


BUILT = []


def start(source, transform="", more="", batch=3, tops=2, phase="TEST", seed=0):
    run = make_layer(
        f'type: "AnnotatedData" data_param {{ source: "{source}" backend: LMDB batch_size: {batch} '
        f"}} transform_param {{ {transform} }} annotated_data_param {{ {more} }}",
        tops=tops,
        phase=phase,
        seed=seed,
    )
    BUILT.append(run)
    return run


def rows(objects=OBJECTS):
    return np.array(
        [[i, *each[:2], *each[2:6], each[6]] for i, found in enumerate(objects) for each in found]
    )


@pytest.mark.parametrize("encoded", [False, True])
def test_images_and_rows(tmp_path, encoded):
    write_boxes(tmp_path / "db", encoded=encoded)
    data, truth = start(tmp_path / "db").forward()
    np.testing.assert_array_equal(data, np.stack(images()).transpose(0, 3, 1, 2))
    assert truth.shape == (1, 1, 4, 8)
    np.testing.assert_allclose(truth[0, 0], rows(), rtol=1e-6)


def test_boxes_vary_in_number_and_the_order_is_cyclic(database):
    run = start(database, batch=1)
    numbers = [run.forward()[1].shape[2] for _ in range(6)]
    assert numbers == [2, 1, 2, 2, 1, 2]
    start(database, batch=1)
    run.forward()
    _, truth = run.forward()
    np.testing.assert_array_equal(truth, np.full((1, 1, 1, 8), -1))


def test_one_top_is_the_images_alone(database):
    (data,) = start(database, tops=1).forward()
    assert data.shape == (3, 3, 14, 16)


def test_records_without_a_type_have_labels(tmp_path):
    write_boxes(tmp_path / "db", typed=False)
    _, label = start(tmp_path / "db").forward()
    assert label.tolist() == [0, 1, 2]
    _, truth = start(tmp_path / "db", more="anno_type: BBOX").forward()
    np.testing.assert_allclose(truth[0, 0], rows(), rtol=1e-6)


def test_mean_and_scale(database):
    data, _ = start(database, "mean_value: 3 mean_value: 5 mean_value: 7 scale: 0.5").forward()
    expected = (np.stack(images()) - [3.0, 5, 7]) * 0.5
    np.testing.assert_allclose(data, expected.transpose(0, 3, 1, 2))


def test_mirroring(database):
    run = start(database, "mirror: true", batch=1)
    seen = set()
    for i in range(24):
        data, truth = run.forward()
        image, objects = images()[i % 3].transpose(2, 0, 1), np.array(OBJECTS[i % 3])
        mirrored = not np.array_equal(data[0], image)
        np.testing.assert_array_equal(data[0], image[:, :, ::-1] if mirrored else image)
        if len(objects):
            expected = objects[:, 2:6].copy()
            if mirrored:
                expected[:, [0, 2]] = 1 - expected[:, [2, 0]]
            np.testing.assert_allclose(truth[0, 0, :, 3:7], expected, rtol=1e-5)
        seen.add(mirrored)
    assert seen == {True, False}


def test_a_crop_of_the_centre_moves_boxes_and_drops_some(database):
    data, truth = start(database, "crop_h: 10 crop_w: 8").forward()
    image = images()[0][2:12, 4:12]
    np.testing.assert_array_equal(data[0], image.transpose(2, 0, 1))
    # of 14 x 16: the crop is x 0.25 to 0.75, y 1/7 to 6/7
    top, height = 1 / 7, 5 / 7
    first = [0, (0.2 - top) / height, (0.5 - 0.25) / 0.5, (0.6 - top) / height]
    np.testing.assert_allclose(truth[0, 0, 0, 3:7], first, rtol=1e-5)
    second = [(0.6 - 0.25) / 0.5, 0, 1, (0.4 - top) / height]
    np.testing.assert_allclose(truth[0, 0, 1, 3:7], second, rtol=1e-5, atol=1e-7)
    assert truth[0, 0, :, 7].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    "constraint, labels",
    [
        ("emit_constraint { emit_type: CENTER }", [1, 3, 2, 2]),  # 0.75 is the crop's edge
        ("emit_constraint { emit_type: MIN_OVERLAP emit_overlap: 0.55 }", [1, 2]),
        ("emit_constraint { emit_type: MIN_OVERLAP emit_overlap: 0.4 }", [1, 3, 2, 2]),
        ("", [1, 3, 2, 2]),
    ],
)
def test_constraints_on_what_a_crop_keeps(database, constraint, labels):
    # x 0.25 to 0.75: covers 0.625 of the first box's width, half of the second's, half of the
    # image, all of the last; heights are whole
    _, truth = start(database, f"crop_h: 14 crop_w: 8 {constraint}").forward()
    assert truth[0, 0, :, 1].tolist() == labels


def test_boxes_whose_centre_a_crop_lacks_are_dropped(database):
    _, truth = start(database, "crop_h: 14 crop_w: 6 emit_constraint { }").forward()
    assert truth[0, 0, :, 1].tolist() == [2, 2]
    _, truth = start(database, "crop_h: 14 crop_w: 6").forward()
    assert truth[0, 0, :, 1].tolist() == [1, 3, 2, 2]


def test_random_crops_in_training(database):
    run = start(database, "crop_size: 9", batch=1, phase="TRAIN")
    corners = set()
    for i in range(24):
        data, _ = run.forward()
        windows = np.lib.stride_tricks.sliding_window_view(images()[i % 3], (9, 9), (0, 1))
        found = np.argwhere((windows == data[0]).all(axis=(2, 3, 4)))
        assert len(found) == 1
        corners.add(tuple(found[0]))
    assert len(corners) > 8


def test_warping(database):
    data, truth = start(database, "resize_param { height: 28 width: 8 }").forward()
    assert data.shape == (3, 3, 28, 8)
    np.testing.assert_allclose(truth[0, 0], rows(), rtol=1e-6)


def test_one_of_several_sizes_is_drawn_for_each_batch(database):
    sizes = [(9, 8), (12, 6), (20, 20)]
    fields = " ".join(
        f"resize_param {{ height: {h} width: {w} prob: {weight} }}"
        for (h, w), weight in zip(sizes, (3, 1, 0), strict=True)
    )
    run = start(database, fields)
    shapes = [run.forward()[0].shape[2:] for _ in range(40)]
    assert set(shapes) == {(9, 8), (12, 6)}
    assert shapes.count((9, 8)) > 20
    fails(
        "must be weights, at least 0 and not all 0, got 0, 0",
        database,
        fields.replace("prob: 3", "prob: 0")
        .replace("prob: 1", "prob: 0")
        .replace(" resize_param { height: 20 width: 20 prob: 0 }", ""),
    )


@pytest.mark.parametrize("mode", ["LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4"])
def test_interpolation_modes_differ(database, mode):
    size = "height: 20 width: 11"
    data, _ = start(database, f"resize_param {{ {size} interp_mode: {mode} }}").forward()
    plain, _ = start(database, f"resize_param {{ {size} }}").forward()
    assert (data == plain).all() == (mode == "LINEAR")
    assert np.abs(data - plain).mean() < 60


def test_fitting_and_padding(database):
    wide = "resize_mode: FIT_LARGE_SIZE_AND_PAD height: 32 width: 32 pad_value: 9"
    data, truth = start(database, f"resize_param {{ {wide} }}").forward()
    # 14 x 16 becomes 28 x 32, between 2 rows of padding
    assert (data[:, :, :2] == 9).all() and (data[:, :, 30:] == 9).all()
    resized, _ = start(database, "resize_param { height: 28 width: 32 }").forward()
    np.testing.assert_array_equal(data[:, :, 2:30], resized)
    expected = rows()[:, 3:7]
    expected[:, 1::2] = expected[:, 1::2] * 28 / 32 + 2 / 32
    np.testing.assert_allclose(truth[0, 0, :, 3:7], expected, rtol=1e-5)
    tall = "resize_mode: FIT_LARGE_SIZE_AND_PAD height: 28 width: 40"
    data, truth = start(database, f"resize_param {{ {tall} pad_mode: REPEAT_NEAREST }}").forward()
    assert (data[..., :4] == data[..., 4:5]).all() and (data[..., 36:] == data[..., 35:36]).all()
    expected = rows()[:, 3:7]
    expected[:, 0::2] = expected[:, 0::2] * 32 / 40 + 4 / 40
    np.testing.assert_allclose(truth[0, 0, :, 3:7], expected, rtol=1e-5)
    data, _ = start(database, f"resize_param {{ {tall} pad_mode: MIRRORED }}").forward()
    np.testing.assert_array_equal(data[..., :4], data[..., 8:4:-1])


def test_fitting_the_smaller_side(database):
    fields = "resize_mode: FIT_SMALL_SIZE height: 28 width: 28"
    data, truth = start(database, f"resize_param {{ {fields} }}", batch=1).forward()
    assert data.shape == (1, 3, 28, 32)
    np.testing.assert_allclose(truth[0, 0], rows()[:2], rtol=1e-6)
    scaled = f"{fields} height_scale: 14 width_scale: 20"
    _, truth = start(database, f"resize_param {{ {scaled} }}", batch=1).forward()
    expected = rows()[:2, 3:7] * ([32 / 20, 28 / 14] * 2)
    np.testing.assert_allclose(truth[0, 0, :, 3:7], expected, rtol=1e-5)


def test_expansion(database):
    fields = "mean_value: 50 expand_param { prob: 1 max_expand_ratio: 3 }"
    run = start(database, fields, batch=1)
    sizes = set()
    for i in range(9):
        data, truth = run.forward()
        height, width = data.shape[2:]
        sizes.add((height, width))
        ratio = height / 14
        assert 1 <= ratio < 3 and abs(width / 16 - ratio) < 0.1
        inside = np.argwhere((data[0] != 0).any(axis=0))
        (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
        assert (bottom - top, right - left) == (14, 16)
        np.testing.assert_array_equal(
            data[0, :, top:bottom, left:right] + 50, images()[i % 3].transpose(2, 0, 1)
        )
        for row, each in zip(truth[0, 0], OBJECTS[i % 3], strict=False):
            expected = [
                (each[2] * 16 + left) / width,
                (each[3] * 14 + top) / height,
                (each[4] * 16 + left) / width,
                (each[5] * 14 + top) / height,
            ]
            np.testing.assert_allclose(row[3:7], expected, rtol=1e-4)
    assert len(sizes) > 5


def overlap(crop, box):
    width = min(crop[2], box[2]) - max(crop[0], box[0])
    height = min(crop[3], box[3]) - max(crop[1], box[1])
    shared = max(width, 0) * max(height, 0)
    area, other = ((x[2] - x[0]) * (x[3] - x[1]) for x in (crop, box))
    return {"jaccard": shared / (area + other - shared), "sample": shared / area,
            "object": shared / other}  # fmt: skip


@pytest.mark.parametrize(
    "constraint, rule",
    [
        ("", lambda all_: True),
        ("min_jaccard_overlap: 0.4", lambda all_: any(o["jaccard"] >= 0.4 for o in all_)),
        ("max_jaccard_overlap: 0.1", lambda all_: any(o["jaccard"] <= 0.1 for o in all_)),
        ("min_sample_coverage: 0.5", lambda all_: any(o["sample"] >= 0.5 for o in all_)),
        ("min_object_coverage: 0.9", lambda all_: any(o["object"] >= 0.9 for o in all_)),
        (
            "min_jaccard_overlap: 0.1 max_object_coverage: 0.7",
            lambda all_: any(o["jaccard"] >= 0.1 and o["object"] <= 0.7 for o in all_),
        ),
    ],
)
def test_samplers_find_what_meets_the_constraint(constraint, rule):
    from caffe_lite.forks.ssd._samplers import Samplers

    sampler = "sampler { min_scale: 0.3 max_scale: 0.9 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }"
    param = text.parse(
        f"batch_sampler {{ max_sample: 1 {sampler} sample_constraint {{ {constraint} }} }}",
        schema.AnnotatedDataParameter,
    )
    boxes = np.array([each[2:6] for each in OBJECTS[0]], np.float32)
    samplers, rng = Samplers(param.batch_sampler), np.random.default_rng(4)
    scales = []
    for _ in range(60):
        crop = samplers.draw(boxes, rng)
        assert crop.min() >= 0 and crop.max() <= 1
        assert rule([overlap(crop, box) for box in boxes])
        scales.append(((crop[2] - crop[0]) * (crop[3] - crop[1])) ** 0.5)
    assert 0.3 <= min(scales) < max(scales) <= 0.9


def test_a_constraint_that_nothing_meets_leaves_the_image(database):
    sampler = """batch_sampler { sampler { min_scale: 0.1 max_scale: 0.2 }
                                 sample_constraint { min_jaccard_overlap: 0.9 } }"""
    data, _ = start(database, more=sampler).forward()
    np.testing.assert_array_equal(data, np.stack(images()).transpose(0, 3, 1, 2))


def test_sampled_crops_move_boxes(database):
    more = "batch_sampler { max_sample: 1 sampler { min_scale: 0.5 max_scale: 0.9 } }"
    run = start(database, more=more, batch=1)
    for i in range(12):
        data, truth = run.forward()
        height, width = data.shape[2:]
        assert height < 14 and width < 16
        windows = np.lib.stride_tricks.sliding_window_view(images()[i % 3], (height, width), (0, 1))
        ((top, left),) = np.argwhere((windows == data[0]).all(axis=(2, 3, 4)))
        for row in truth[0, 0]:
            if row[0] == -1:
                continue
            each = next(o for o in OBJECTS[i % 3] if (o[0], o[1]) == (row[1], row[2]))
            expected = [
                (each[2] * 16 - left) / width,
                (each[3] * 14 - top) / height,
                (each[4] * 16 - left) / width,
                (each[5] * 14 - top) / height,
            ]
            # the crop lies between pixels, the image's begins at one
            np.testing.assert_allclose(row[3:7], np.clip(expected, 0, 1), atol=2 / width)


def test_a_run_goes_on_where_it_was(database):
    transform = "mirror: true crop_size: 9 expand_param { prob: 0.5 max_expand_ratio: 2 }"
    first = start(database, transform, batch=2, phase="TRAIN", seed=5)
    for _ in range(3):
        first.forward()
    state = first.layer.get_state()
    expected = [first.forward() for _ in range(4)]
    second = start(database, transform, batch=2, phase="TRAIN", seed=6)
    second.layer.set_state(state)
    for batch in expected:
        for mine, theirs in zip(second.forward(), batch, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def fails(message, *args, **options):
    with pytest.raises(CaffeError, match=message) as caught:
        run = start(*args, **options)
        for _ in range(2):
            run.forward()
    assert str(caught.value).startswith('layer "layer" (AnnotatedData): ')
    assert "\n" not in str(caught.value)


def test_errors(database, tmp_path):
    fails("height and width must be above 0, got 0 and 5", database, "resize_param { width: 5 }")
    small = "resize_param { resize_mode: FIT_SMALL_SIZE height: 5 width: 5 }"
    fails("FIT_SMALL_SIZE needs batch_size: 1, got 3", database, small)
    fails("crop of 20x20 is larger than the image of 14x16", database, "crop_size: 20")
    fails("give crop_h and crop_w together, got 3 and 0", database, "crop_h: 3")
    fails("max_expand_ratio must be above 1, got 1", database, "expand_param { prob: 1 }")
    two = "mean_value: 1 mean_value: 2"
    fails("2 mean_value for images of 3 channels", database, two)
    larger = "expand_param { prob: 1 max_expand_ratio: 2 }"
    fails("2 mean_value for images of 3 channels", database, f"{two} {larger}")
    sampler = "batch_sampler { sampler { min_scale: 0.5 max_scale: 0.2 } }"
    fails("0 < min_scale <= max_scale <= 1, got 0.5 and 0.2", database, more=sampler)
    sampler = "batch_sampler { sampler { min_aspect_ratio: 0 } }"
    fails("0 < min_aspect_ratio", database, more=sampler)
    with LmdbWriter(tmp_path / "plain") as writer:
        writer.put(schema.Datum(channels=1, height=1, width=1, data=b"\1").SerializeToString())
    fails("not an AnnotatedDatum message", tmp_path / "plain", batch=1)
    with LmdbWriter(tmp_path / "mixed") as writer:
        for i, image in enumerate(images()):
            writer.put(record(image, OBJECTS[i], typed=i < 2))
    fails('key "00000002": has no type, unlike the first record', tmp_path / "mixed")
    with LmdbWriter(tmp_path / "sizes") as writer:
        writer.put(record(images()[0], []))
        writer.put(record(images()[0][:9], []))
    fails(r"comes out as \(3, 9, 16\), the batch holds \(3, 14, 16\)", tmp_path / "sizes")


def test_shapes_without_the_database():
    net = """layer { name: "data" type: "AnnotatedData" top: "data" top: "truth"
        data_param { source: "none_lmdb" backend: LMDB batch_size: 5 }
        transform_param { resize_param { height: 30 width: 20 } } }"""
    made, guessed = without_sources(text.parse(net, schema.NetParameter))
    assert not guessed
    assert "[[5, 3, 30, 20], [1, 1, 5, 8]]" in made.layer[0].python_param.param_str
    assert layer_class("AnnotatedData").has_source


def test_the_truth_as_yolo_takes_it(database):
    run = start(database, more="yolo_data_type: 1 yolo_data_jitter: 0")
    data, truth = run.forward()
    np.testing.assert_array_equal(data, np.stack(images()).transpose(0, 3, 1, 2))
    assert truth.shape == (3, 1, 300, 5)
    expected = np.zeros_like(truth)
    for i, found in enumerate(OBJECTS):
        for k, (label, _, xmin, ymin, xmax, ymax, _) in enumerate(found):
            center = (xmin + xmax) / 2, (ymin + ymax) / 2
            expected[i, 0, k] = [label - 1, *center, xmax - xmin, ymax - ymin]
    np.testing.assert_allclose(truth, expected, rtol=1e-6)
    easy = start(database, more="yolo_data_type: 1 yolo_data_jitter: 0 train_diffcult: false")
    _, truth = easy.forward()
    expected[0, 0, 1] = 0
    np.testing.assert_allclose(truth, expected, rtol=1e-6)


def test_yolos_crop_keeps_most_of_the_image():
    rng = np.random.default_rng(3)
    crops = [Jitter(0.4, square=False).draw(np.empty((0, 4)), rng) for _ in range(2000)]
    assert 0.17 < np.mean([crop is None for crop in crops]) < 0.23
    sides = np.array([crop[2:] - crop[:2] for crop in crops if crop is not None])
    assert 0.6 <= sides.min() < 0.62 and 0.98 < sides.max() <= 1
    # A quarter moves half as far: sides of 0.8 to 1. Of the others half do.
    assert 0.58 < (sides > 0.8).mean() < 0.67
    corners = np.array([crop for crop in crops if crop is not None])
    assert corners.min() >= 0 and corners.max() <= 1 + 1e-6
    square = [Jitter(0.4, square=True).draw(np.empty((0, 4)), rng) for _ in range(50)]
    sides = np.array([crop[2:] - crop[:2] for crop in square if crop is not None])
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], atol=1e-6)


def test_yolos_crop_is_random_where_no_sampler_is(database):
    resize = "resize_param { height: 9 width: 8 }"
    still, moved, sampled = (
        start(database, resize, more, seed=1).forward()[0]
        for more in (
            "yolo_data_type: 1 yolo_data_jitter: 0",
            "yolo_data_type: 1 yolo_data_jitter: 0.5",
            "yolo_data_jitter: 0.5 batch_sampler { max_sample: 1 }",
        )
    )
    assert not np.array_equal(still, moved)
    np.testing.assert_array_equal(still, sampled)
    with pytest.raises(CaffeError, match="yolo_data_jitter must be at least 0 and below 1, got 1"):
        start(database, resize, "yolo_data_jitter: 1")

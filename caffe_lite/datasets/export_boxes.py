"""Writing the digits with boxes, as AnnotatedData and SSD's own tools read them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from caffe_lite.datasets.export import Folder, Progress
from caffe_lite.datasets.ssd_digits import CLASSES, SIZE, Scene, make_scenes
from caffe_lite.proto import schema, text


def write_ssd_digits(
    out: str | os.PathLike[str],
    train_images: int = 3000,
    test_images: int = 300,
    seed: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write digits on cluttered canvases under `out`; return its path.

    `train_lmdb` and `test_lmdb` hold AnnotatedDatum records of 1 x 128 x 128 pixels; test scenes
    use other digits than training scenes. `labelmap.prototxt` names the classes, digit d being
    label d + 1; `test_name_size.txt` has a line "name height width" for each test image.
    """
    counts = {"train": train_images, "test": test_images}
    settings = {"dataset": "ssd_digits", "version": 1, "images": counts, "seed": seed}
    folder = Folder(out, settings, 4, progress)
    for split, count in counts.items():
        if not (folder.path / f"{split}_lmdb" / "data.mdb").exists():
            folder.lmdb(f"{split}_lmdb", _records(make_scenes(count, split, seed)))
        folder.step(f"{split}_lmdb")
    folder.text("labelmap.prototxt", text.format(_label_map()))
    folder.step("labelmap.prototxt")
    lines = (f"{i:08d} {SIZE} {SIZE}\n" for i in range(test_images))
    folder.text("test_name_size.txt", "".join(lines))
    folder.step("test_name_size.txt")
    return folder.path


def _label_map() -> schema.LabelMap:
    label_map = schema.LabelMap()
    for label in range(CLASSES):
        name = "background" if label == 0 else f"digit_{label - 1}"
        label_map.item.add(name=name, label=label, display_name=name.removeprefix("digit_"))
    return label_map


def _records(scenes: Sequence[Scene]) -> Iterator[bytes]:
    for scene in scenes:
        yield encode_scene(scene)


def encode_scene(scene: Scene) -> bytes:
    """A scene as a serialized AnnotatedDatum, the digits of a label in one group."""
    record = schema.AnnotatedDatum(type=schema.AnnotatedDatum.BBOX)
    record.datum.channels, record.datum.height, record.datum.width = 1, SIZE, SIZE
    record.datum.data = scene.image.tobytes()
    groups: dict[int, schema.AnnotationGroup] = {}
    for label, box in zip(scene.labels.tolist(), scene.boxes / SIZE, strict=True):
        if label not in groups:
            groups[label] = record.annotation_group.add(group_label=label)
        each = groups[label].annotation.add(instance_id=len(groups[label].annotation))
        each.bbox.xmin, each.bbox.ymin, each.bbox.xmax, each.bbox.ymax = box.tolist()
        each.bbox.difficult = False
    return record.SerializeToString()

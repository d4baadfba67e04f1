"""Databases of annotated images and videos that the tests read."""

import numpy as np

from caffe_lite.data.images import encode_image
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.proto import schema

OBJECTS = [  # (label, instance, xmin, ymin, xmax, ymax, difficult) of each image
    [(1, 0, 0.1, 0.2, 0.5, 0.6, False), (3, 0, 0.6, 0.1, 0.9, 0.4, True)],
    [],
    [(2, 0, 0.0, 0.0, 1.0, 1.0, False), (2, 1, 0.4, 0.4, 0.7, 0.9, False)],
]


def images(height=14, width=16):
    """One (H, W, 3) uint8 for each entry of OBJECTS."""
    rng = np.random.default_rng(8)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in OBJECTS]


def record(image, objects, encoded=False, typed=True, label=0):
    made = schema.AnnotatedDatum()
    if encoded:
        made.datum.encoded, made.datum.data = True, encode_image(image)
    else:
        made.datum.data = image.transpose(2, 0, 1).tobytes()
        made.datum.height, made.datum.width, made.datum.channels = image.shape
    made.datum.label = label
    if typed:
        made.type = schema.AnnotatedDatum.BBOX
    groups = {}
    for kind, instance, xmin, ymin, xmax, ymax, difficult in objects:
        if kind not in groups:
            groups[kind] = made.annotation_group.add(group_label=kind)
        each = groups[kind].annotation.add(instance_id=instance)
        for name, value in zip(
            ("xmin", "ymin", "xmax", "ymax"), (xmin, ymin, xmax, ymax), strict=True
        ):
            setattr(each.bbox, name, value)
        each.bbox.difficult = difficult
    return made.SerializeToString()


def write_boxes(path, pictures=None, **how):
    with LmdbWriter(path) as writer:
        for i, (image, objects) in enumerate(zip(pictures or images(), OBJECTS, strict=True)):
            writer.put(record(image, objects, label=i, **how))


def write_video(path, frames=7, height=24, width=32):
    """Frames of one grey level each, 20 apart."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            array = np.full((height, width, 3), (40 + 20 * i) % 256, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(array, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)

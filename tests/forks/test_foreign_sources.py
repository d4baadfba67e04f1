import pytest

from caffe_lite.forks.foreign_sources import foreign_batch, foreign_shape
from caffe_lite.proto import schema, text

CELLS = "batch_size: 3 %s: 8 %s: 16 crop_height: 96 crop_width: 132"


@pytest.mark.parametrize(
    "definition, shapes",
    [
        (
            'type: "ImageGtData" image_gt_data_param { %s }' % (CELLS % (("downsample_rate",) * 2)),
            [(3, 3, 96, 132), (3, 6, 12, 17), (3, 6, 6, 8), (1, 7, 1, 1)],
        ),
        (
            'type: "DetectionData" detection_data_param { %s }' % (CELLS % (("stride",) * 2)),
            [(3, 3, 96, 132), (3, 6, 12, 17), (3, 6, 6, 8), (1, 8, 1, 1)],
        ),
        (
            """type: "DetectionData" detection_data_param { batch_size: 2 stride: 16
               short_size: 600 long_size: 1000 }""",
            [(2, 3, 1000, 600), (2, 6, 63, 38), (1, 8, 1, 1)],
        ),
        ('type: "DetectionData" detection_data_param { batch_size: 2 stride: 16 }', [None, None]),
        (
            'type: "EvalData" eval_data_param { batch_size: 2 resize_height: 7 resize_width: 9 }',
            [(2, 3, 7, 9), (1, 8, 1, 1), (2, 2, 1, 1)],
        ),
        (
            """type: "CPMData" data_param { batch_size: 4 } cpm_transform_param { stride: 8
               crop_size_x: 320 crop_size_y: 240 num_parts: 56 }""",
            [(4, 6, 240, 320), (4, 114, 30, 40)],
        ),
        (
            """type: "LaneData" data_param { batch_size: 4 } transform_param { resize_param {
               prob: 1 height: 96 width: 64 } }
               annotated_data_param { yolo_data_type: 1 seg_scales: 4 }""",
            [(4, 3, 96, 64), (4, 1, 300, 5), (4, 1, 24, 16)],
        ),
        ('type: "LaneData"', [None]),
        ('type: "SegData" transform_param { crop_size: 9 }', [(1, 3, 9, 9), None]),
    ],
)
def test_shapes(definition, shapes):
    layer = text.parse(definition, schema.LayerParameter)
    assert [foreign_shape(layer, top) for top in range(len(shapes))] == shapes


def test_batches():
    layer = text.parse("seg_data_param { } data_param { batch_size: 5 }", schema.LayerParameter)
    assert foreign_batch(layer) == 5
    assert foreign_batch(schema.LayerParameter(type="SegData")) == 1

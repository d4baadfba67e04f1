"""C3D."""

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def cases() -> Cases:
    cases: Cases = {}
    filler = 'weight_filler { type: "xavier" }'
    for i, text in enumerate(
        (
            "kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1",
            "kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 2 pad: 1",
            "kernel_size: 2 kernel_depth: 1 bias_term: false",
        )
    ):
        draw = Draw(f"convolution3d_{i}")
        size, depth = ((3, 3), (3, 2), (2, 1))[i]
        blobs = [draw.normal(4, 3, depth, size, size), draw.normal(1, 1, 1, 1, 4)]
        text = f'type: "Convolution3D" convolution3d_param {{ num_output: 4 {text} {filler} }}'
        bottoms = [draw.normal(2 - i % 2, 3, 5, 6, 7)]
        cases[f"convolution3d_{i}"] = (
            "c3d",
            Case(text, bottoms, [True], blobs[: 1 if "bias_term" in text else 2]),
        )
    for i, text in enumerate(
        (
            "pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1",
            "pool: MAX kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 2",
            "pool: AVE kernel_size: 2 kernel_depth: 2 stride: 2 temporal_stride: 2",
            "pool: AVE kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 1 pad: 1",
        )
    ):
        draw = Draw(f"pooling3d_{i}")
        text = f'type: "Pooling3D" pooling3d_param {{ {text} }}'
        bottoms = [draw.normal(2 - i % 2, 3, 5, 6, 7)]
        cases[f"pooling3d_{i}"] = "c3d", Case(text, bottoms, [True])
    return cases

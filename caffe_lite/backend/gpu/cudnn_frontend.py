"""cuDNN through NVIDIA's Python front end (nvidia-cudnn-frontend)."""

from typing import Any

from caffe_lite.backend.gpu.cudnn import shapes_of, strides_of
from caffe_lite.backend.gpu.explicit_gemm import Sizes


class FrontEnd:
    """`cudnn` is the front end's module, `stream` the address of the stream to run on.

    `tf32` allows products to round their factors to TF32; plans that need more than `most_bytes` of
    workspace are left out.
    """

    def __init__(self, cudnn: Any, stream: int, tf32: bool, most_bytes: int) -> None:
        self.version: str = cudnn.backend_version_string()
        self.cudnn = cudnn
        self.tf32, self.most_bytes = tf32, most_bytes
        self.handle = cudnn.create_handle()
        cudnn.set_stream(handle=self.handle, stream=stream)

    def product(self, which: str, z: Sizes, images: int) -> "GraphProduct":
        return GraphProduct(self, which, z, images)


class GraphProduct:
    """A cuDNN graph of one convolution; see `cudnn.Product`."""

    def __init__(self, library: FrontEnd, which: str, z: Sizes, images: int) -> None:
        cudnn, self._handle = library.cudnn, library.handle
        single = cudnn.data_type.FLOAT
        graph = cudnn.pygraph(io_data_type=single, compute_data_type=single, handle=library.handle)
        self._graph = graph
        self._tensors = _tensors(graph, single, which, z, images)
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        notes = cudnn.numerical_note
        unwanted = [notes.DOWN_CONVERT_INPUTS, notes.REDUCED_PRECISION_REDUCTION]
        graph.deselect_numeric_notes(unwanted if library.tf32 else [*unwanted, notes.TENSOR_CORE])
        graph.deselect_workspace_greater_than(library.most_bytes)
        graph.check_support()
        self.count: int = graph.get_execution_plan_count()

    def build(self, variant: int) -> int:
        self._graph.build_plan_at_index(variant)
        need: int = self._graph.get_workspace_size_plan_at_index(variant)
        return need

    def execute(self, variant: int, pointers: dict[str, int], workspace: int) -> None:
        bound = {tensor: pointers[name] for name, tensor in self._tensors.items()}
        self._graph.execute_plan_at_index(bound, workspace, variant, self._handle)


def _tensors(graph: Any, data_type: Any, which: str, z: Sizes, images: int) -> dict[str, Any]:
    """The three arrays of a product; adds them and the convolution to the graph."""
    shapes, g = shapes_of(z, images), z.geometry
    made = {"forward": "y", "data": "x", "weight": "weight"}[which]
    t = {
        name: graph.tensor(name=name, dim=shape, stride=strides_of(shape), data_type=data_type)
        for name, shape in shapes.items()
        if name != made
    }
    how = {"padding": list(g.pad), "stride": list(g.stride), "dilation": list(g.dilation)}
    if which == "forward":
        result = graph.conv_fprop(image=t["x"], weight=t["weight"], **how)
    elif which == "data":
        result = graph.conv_dgrad(loss=t["y"], filter=t["weight"], **how)
    else:
        result = graph.conv_wgrad(image=t["x"], loss=t["y"], **how)
    result.set_output(True).set_data_type(data_type)
    result.set_dim(shapes[made]).set_stride(strides_of(shapes[made]))
    return {**t, made: result}

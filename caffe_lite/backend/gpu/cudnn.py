"""Convolution through cuDNN, where NVIDIA's Python front end (nvidia-cudnn-frontend) is installed.

Its ways to compute a product are further candidates in the measured choice of `ConvolutionOps`;
whatever it cannot do is left to the explicit products.
"""

import logging
from typing import Any

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.explicit_gemm import Plan, Sizes
from caffe_lite.backend.gpu.tuning import UnusableError

CUDNN = "cudnn"
MOST_PLANS = 6  # of cuDNN's own, which come in the order in which it expects them to be fast

log = logging.getLogger("caffe_lite.backend")


class CudnnEngine:
    """The three products of a float32 convolution, each a cuDNN graph made once per shape.

    `cudnn` is the front end's module, `stream` the address of the stream to run on. No product
    takes more than `most_bytes` of workspace.
    """

    def __init__(self, cudnn: Any, ops: GpuBase, stream: int, tf32: bool, most_bytes: int) -> None:
        self.version: str = cudnn.backend_version_string()
        self._cudnn = cudnn
        self._ops = ops
        self._how = (tf32, most_bytes)
        self._handle = cudnn.create_handle()
        cudnn.set_stream(handle=self._handle, stream=stream)
        self._graphs: dict[tuple[str, Sizes, int], _Graph | None] = {}

    def plans(self, which: str, z: Sizes, images: int) -> list[Plan]:
        """Plans for one product ("forward", "data", "weight"), of which some may be unusable."""
        graph = self._graph(which, z, images)
        count = min(graph.count, MOST_PLANS) if graph else 0
        return [Plan(CUDNN, images, variant) for variant in range(count)]

    def run(self, which: str, plan: Plan, z: Sizes, x: Any, weight: Any, y: Any) -> None:
        """Compute one product: into y, x (for "data") or weight (for "weight").

        Raises UnusableError where the plan does not work the first time.
        """
        graph = self._graph(which, z, len(x))
        if graph is None:
            raise ValueError(f"cuDNN has no plan for {which} of {z}")
        pointers = {"x": x.data.ptr, "weight": weight.data.ptr, "y": y.data.ptr}
        if plan.variant in graph.proven:
            self._execute(graph, plan.variant, pointers)
            return
        try:
            graph.build(plan.variant)
            self._execute(graph, plan.variant, pointers)
        except Exception as error:  # its own class differs between versions, and none is fatal
            log.debug("cuDNN's plan %d for %s of %s: %s", plan.variant, which, z, error)
            raise UnusableError from error
        graph.proven.add(plan.variant)

    def _execute(self, graph: "_Graph", variant: int, pointers: dict[str, int]) -> None:
        need = graph.workspaces[variant]
        (workspace,) = self._ops.workspaces((max(1, -(-need // self._ops.dtype.itemsize)),))
        bound = {tensor: pointers[name] for name, tensor in graph.tensors.items()}
        graph.graph.execute_plan_at_index(bound, workspace.data.ptr, variant, self._handle)

    def _graph(self, which: str, z: Sizes, images: int) -> "_Graph | None":
        key = (which, z, images)
        if key not in self._graphs:
            try:
                made = _Graph(self._cudnn, self._handle, *key, *self._how)
            except Exception as error:  # as above
                log.debug("cuDNN has no plan for %s of %s: %s", which, z, error)
                made = None
            self._graphs[key] = made
        return self._graphs[key]


class _Graph:
    """One cuDNN graph and its tensors by name.

    `count` plans can be tried; `workspaces` are the bytes that those need which are built, and
    `proven` those which have run.
    """

    def __init__(
        self,
        cudnn: Any,
        handle: Any,
        which: str,
        z: Sizes,
        images: int,
        tf32: bool,
        most_bytes: int,
    ) -> None:
        single = cudnn.data_type.FLOAT
        graph = cudnn.pygraph(io_data_type=single, compute_data_type=single, handle=handle)
        self.graph = graph
        self.tensors = _tensors(graph, single, which, z, images)
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        notes = cudnn.numerical_note
        unwanted = [notes.DOWN_CONVERT_INPUTS, notes.REDUCED_PRECISION_REDUCTION]
        graph.deselect_numeric_notes(unwanted if tf32 else [*unwanted, notes.TENSOR_CORE])
        graph.deselect_workspace_greater_than(most_bytes)
        graph.check_support()
        self.count: int = graph.get_execution_plan_count()
        self.workspaces: dict[int, int] = {}
        self.proven: set[int] = set()

    def build(self, variant: int) -> None:
        """Make a plan ready to run; raises an error of cuDNN's for one that it cannot build."""
        self.graph.build_plan_at_index(variant)
        self.workspaces[variant] = self.graph.get_workspace_size_plan_at_index(variant)


def _tensors(graph: Any, data_type: Any, which: str, z: Sizes, images: int) -> dict[str, Any]:
    """The three arrays of a product in a graph; adds the convolution that makes one of them."""
    g = z.geometry
    shapes = {
        "x": [images, z.channels, *z.spatial],
        "weight": [z.outputs, z.channels // g.group, *g.kernel],
        "y": [images, z.outputs, *z.output],
    }
    made = {"forward": "y", "data": "x", "weight": "weight"}[which]
    t = {
        name: graph.tensor(name=name, dim=shape, stride=_strides(shape), data_type=data_type)
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
    result.set_dim(shapes[made]).set_stride(_strides(shapes[made]))
    return {**t, made: result}


def _strides(shape: list[int]) -> list[int]:
    """Elements from one index to the next along each axis of a C-contiguous array."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return strides

"""Convolution through cuDNN, where NVIDIA's Python front end (nvidia-cudnn-frontend) is installed.

It is one more candidate in the measured choice of `ConvolutionOps`; whatever it cannot do is left
to the explicit products.
"""

import logging
from typing import Any

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.explicit_gemm import Plan, Sizes

CUDNN = "cudnn"

log = logging.getLogger("caffe_lite.backend")


class CudnnEngine:
    """The three products of a float32 convolution, each a cuDNN graph built once per shape.

    `cudnn` is the front end's module, `stream` the address of the stream to run on.
    """

    def __init__(self, cudnn: Any, ops: GpuBase, stream: int, tf32: bool) -> None:
        self._cudnn = cudnn
        self._ops = ops
        self._tf32 = tf32
        self._handle = cudnn.create_handle()
        cudnn.set_stream(handle=self._handle, stream=stream)
        self._graphs: dict[tuple[str, Sizes, int], _Graph | None] = {}

    def plan(self, which: str, z: Sizes, images: int) -> Plan | None:
        """A plan for one product ("forward", "data", "weight"), or None where cuDNN has none."""
        key = (which, z, images)
        if key not in self._graphs:
            self._graphs[key] = self._build(which, z, images)
        return Plan(CUDNN, images) if self._graphs[key] else None

    def run(self, which: str, z: Sizes, x: Any, weight: Any, y: Any) -> None:
        """Compute one product: into y, x (for "data") or weight (for "weight")."""
        graph = self._graphs[which, z, len(x)]
        if graph is None:
            raise ValueError(f"cuDNN has no plan for {which} of {z}")
        pointers = {"x": x.data.ptr, "weight": weight.data.ptr, "y": y.data.ptr}
        itemsize = self._ops.dtype.itemsize
        (workspace,) = self._ops.workspaces((max(1, -(-graph.workspace // itemsize)),))
        bound = {tensor: pointers[name] for name, tensor in graph.tensors.items()}
        graph.graph.execute(bound, workspace.data.ptr, handle=self._handle)

    def _build(self, which: str, z: Sizes, images: int) -> "_Graph | None":
        try:
            return _Graph(self._cudnn, self._handle, which, z, images, self._tf32)
        except Exception as error:  # its own class differs between versions, and none is fatal
            log.debug("cuDNN has no plan for %s of %s: %s", which, z, error)
            return None


class _Graph:
    """One built cuDNN graph, its tensors by name, and the bytes of workspace that it needs."""

    def __init__(
        self, cudnn: Any, handle: Any, which: str, z: Sizes, images: int, tf32: bool
    ) -> None:
        single = cudnn.data_type.FLOAT
        graph = cudnn.pygraph(io_data_type=single, compute_data_type=single, handle=handle)
        g = z.geometry
        shapes = {
            "x": [images, z.channels, *z.spatial],
            "weight": [z.outputs, z.channels // g.group, *g.kernel],
            "y": [images, z.outputs, *z.output],
        }
        made = {"forward": "y", "data": "x", "weight": "weight"}[which]
        self.tensors = {
            name: graph.tensor(name=name, dim=shape, stride=_strides(shape), data_type=single)
            for name, shape in shapes.items()
            if name != made
        }
        how = {"padding": list(g.pad), "stride": list(g.stride), "dilation": list(g.dilation)}
        t = self.tensors
        if which == "forward":
            result = graph.conv_fprop(image=t["x"], weight=t["weight"], **how)
        elif which == "data":
            result = graph.conv_dgrad(loss=t["y"], filter=t["weight"], **how)
        else:
            result = graph.conv_wgrad(image=t["x"], loss=t["y"], **how)
        result.set_output(True).set_data_type(single)
        result.set_dim(shapes[made]).set_stride(_strides(shapes[made]))
        t[made] = result
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        notes = cudnn.numerical_note
        unwanted = [notes.DOWN_CONVERT_INPUTS, notes.REDUCED_PRECISION_REDUCTION]
        graph.deselect_numeric_notes(unwanted if tf32 else [*unwanted, notes.TENSOR_CORE])
        graph.check_support()
        graph.build_plans(cudnn.build_plan_policy.HEURISTICS_CHOICE)
        self.graph = graph
        self.workspace: int = graph.get_workspace_size()


def _strides(shape: list[int]) -> list[int]:
    """Elements from one index to the next along each axis of a C-contiguous array."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return strides

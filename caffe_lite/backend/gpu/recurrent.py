"""One step of a long short-term memory cell on the GPU."""

from typing import Any

from caffe_lite.backend.gpu.base import GpuBase


class RecurrentOps(GpuBase):
    """LSTM arithmetic with Caffe's gate order i, f, o, g, one kernel per step."""

    def lstm_unit(self, gates: Any, c_prev: Any, cont: Any, c: Any, h: Any) -> None:
        """c = cont * f * c_prev + i * g and h = o * tanh(c); gates (N, 4 H) become activations."""
        self.launch("lstm_unit", c.size, c.size, gates, c_prev, cont, c, h, c.shape[1])

    def lstm_unit_grad(
        self,
        gates: Any,
        c_prev: Any,
        cont: Any,
        c: Any,
        dc: Any,
        dh: Any,
        dgates: Any,
        dc_prev: Any,
    ) -> None:
        """dgates: gradients to the pre-activations; dc_prev: to c_prev, and may be dc."""
        self.launch(
            "lstm_unit_grad",
            c.size,
            *(c.size, gates, c_prev, cont, c, dc, dh, dgates, dc_prev, c.shape[1]),
        )

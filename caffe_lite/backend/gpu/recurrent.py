"""One step of a recurrent cell on the GPU, in one kernel."""

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.types import Array


class GpuRecurrent(GpuBase):
    """LSTM arithmetic with Caffe's gate order i, f, o, g, and that of a plain cell.

    A step also makes what the next one's product takes, h_cont = cont_next * h, and adds the
    gradient dh_next to that; None for both after the last step.
    """

    def lstm_unit(
        self,
        gates: Array,
        c_prev: Array,
        cont: Array | None,
        c: Array,
        h: Array,
        cont_next: Array | None = None,
        h_cont: Array | None = None,
    ) -> None:
        """c = cont * f * c_prev + i * g and h = o * tanh(c); gates (N, 4 H) become activations."""
        self.launch(
            "lstm_unit",
            c.size,
            *(c.size, gates, c_prev, cont, c, h, cont_next, h_cont, c.shape[1]),
        )

    def lstm_unit_grad(
        self,
        gates: Array,
        c_prev: Array,
        cont: Array | None,
        c: Array,
        dc: Array,
        dh: Array,
        dgates: Array,
        dc_prev: Array,
        dh_next: Array | None = None,
        cont_next: Array | None = None,
    ) -> None:
        """dgates: gradients to the pre-activations; dc_prev: to c_prev, and may be dc."""
        self.launch(
            "lstm_unit_grad",
            c.size,
            *(c.size, gates, c_prev, cont, c, dc, dh, dgates, dc_prev, dh_next, cont_next),
            c.shape[1],
        )

    def rnn_unit(
        self, pre: Array, h: Array, cont_next: Array | None = None, h_cont: Array | None = None
    ) -> None:
        """h = tanh(pre); h may be pre."""
        self.launch("rnn_unit", h.size, h.size, pre, h, cont_next, h_cont, h.shape[1])

    def rnn_unit_grad(
        self,
        h: Array,
        dh: Array,
        dpre: Array,
        dh_next: Array | None = None,
        cont_next: Array | None = None,
    ) -> None:
        """dpre (overwritten) = dh * (1 - h^2), with the next step's share in dh."""
        self.launch("rnn_unit_grad", h.size, h.size, h, dh, dpre, dh_next, cont_next, h.shape[1])

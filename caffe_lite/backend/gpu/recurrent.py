"""One time step of an LSTM or a plain recurrent cell on the GPU, in one kernel."""

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.types import Array


class GpuRecurrent(GpuBase):
    """LSTM arithmetic with Caffe's gate order i, f, o, g, and that of a plain cell.

    A step also computes h_cont = cont_next * h for the next step's matrix product, and takes
    dh_next, the gradient of h_cont. Both are None in the last step.
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
        """dgates, dc_prev = the gradients of pre-activations and of c_prev; dc_prev may be dc."""
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
        """dpre (overwritten) = (dh + cont_next * dh_next) * (1 - h^2)."""
        self.launch("rnn_unit_grad", h.size, h.size, h, dh, dpre, dh_next, cont_next, h.shape[1])

"""One step of a recurrent cell (long short-term memory, or plain) after its matrix products."""

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array


class ReferenceRecurrent(OpsBase):
    """LSTM arithmetic with Caffe's gate order: input i, forget f, output o, candidate g.

    Shapes: gates (N, 4 H), the four gates side by side; c, h, pre (N, H); cont (N,) or None.
    cont is 0 where a sequence begins, else 1; None means 1 throughout.

    A step also does what joins it to the next one, whose product takes h_cont = cont_next * h and
    gives back the gradient dh_next to that. The last step has no next: None for both.
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
        """c = cont * f * c_prev + i * g and h = o * tanh(c).

        gates holds pre-activations and is overwritten: sigmoid for i, f, o; tanh for g.
        """
        xp = self.xp
        i, f, o, g = _split(gates)
        for gate in (i, f, o):
            # As a hyperbolic tangent the logistic function cannot overflow.
            gate[...] = 0.5 * xp.tanh(0.5 * gate) + 0.5
        xp.tanh(g, out=g)
        c[...] = _remembered(f, cont) * c_prev + i * g
        h[...] = o * xp.tanh(c)
        if h_cont is not None and cont_next is not None:
            xp.multiply(h, cont_next.reshape(-1, 1), out=h_cont)

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
        """dgates: gradients to the pre-activations; dc_prev: to c_prev; both overwritten.

        gates holds activations, as `lstm_unit` left them. dc and dh come from later steps and
        from above; dc_prev may be dc.
        """
        i, f, o, g = _split(gates)
        di, df, do, dg = _split(dgates)
        dh = _whole(dh, dh_next, cont_next)
        tanh_c = self.xp.tanh(c)
        dc_total = dc + dh * o * (1 - tanh_c * tanh_c)
        di[...] = dc_total * g * i * (1 - i)
        df[...] = dc_total * c_prev * _remembered(f, cont) * (1 - f)
        do[...] = dh * tanh_c * o * (1 - o)
        dg[...] = dc_total * i * (1 - g * g)
        dc_prev[...] = dc_total * _remembered(f, cont)

    def rnn_unit(
        self, pre: Array, h: Array, cont_next: Array | None = None, h_cont: Array | None = None
    ) -> None:
        """h = tanh(pre); h may be pre."""
        self.xp.tanh(pre, out=h)
        if h_cont is not None and cont_next is not None:
            self.xp.multiply(h, cont_next.reshape(-1, 1), out=h_cont)

    def rnn_unit_grad(
        self,
        h: Array,
        dh: Array,
        dpre: Array,
        dh_next: Array | None = None,
        cont_next: Array | None = None,
    ) -> None:
        """dpre (overwritten) = dh * (1 - h^2), with the next step's share in dh."""
        self.xp.multiply(h, h, out=dpre)
        self.xp.subtract(1, dpre, out=dpre)
        dpre *= _whole(dh, dh_next, cont_next)


def _split(gates: Array) -> tuple[Array, Array, Array, Array]:
    """Views of the four gates."""
    hidden = gates.shape[1] // 4
    i, f, o, g = (gates[:, n * hidden : (n + 1) * hidden] for n in range(4))
    return i, f, o, g


def _remembered(f: Array, cont: Array | None) -> Array:
    return f if cont is None else f * cont.reshape(-1, 1)


def _whole(dh: Array, dh_next: Array | None, cont_next: Array | None) -> Array:
    """The gradient to h, from above and from the next step."""
    if dh_next is None or cont_next is None:
        return dh
    return dh + dh_next * cont_next.reshape(-1, 1)

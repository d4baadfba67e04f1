"""One time step of an LSTM or a plain recurrent cell, after its matrix products."""

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array


class ReferenceRecurrent(OpsBase):
    """LSTM arithmetic with Caffe's gate order: input i, forget f, output o, candidate g.

    Shapes: gates (N, 4 H), the four gates side by side; c, h, pre (N, H); cont (N,) or None.
    cont is 0 where a sequence begins, else 1; None means 1 throughout.

    A step also computes h_cont = cont_next * h, which enters the next step's matrix product, and
    takes dh_next, the gradient of h_cont. Both are None in the last step.
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
            # The sigmoid written with tanh, which cannot overflow.
            gate[...] = 0.5 * xp.tanh(0.5 * gate) + 0.5
        xp.tanh(g, out=g)
        c[...] = _kept(f, cont) * c_prev + i * g
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
        """dgates and dc_prev (overwritten) = the gradients of the pre-activations and of c_prev.

        gates holds the activations that `lstm_unit` wrote. dc comes from the next step, dh from
        the layer above; dc_prev may be dc.
        """
        i, f, o, g = _split(gates)
        di, df, do, dg = _split(dgates)
        dh = _total_dh(dh, dh_next, cont_next)
        tanh_c = self.xp.tanh(c)
        dc_total = dc + dh * o * (1 - tanh_c * tanh_c)
        di[...] = dc_total * g * i * (1 - i)
        df[...] = dc_total * c_prev * _kept(f, cont) * (1 - f)
        do[...] = dh * tanh_c * o * (1 - o)
        dg[...] = dc_total * i * (1 - g * g)
        dc_prev[...] = dc_total * _kept(f, cont)

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
        """dpre (overwritten) = (dh + cont_next * dh_next) * (1 - h^2)."""
        self.xp.multiply(h, h, out=dpre)
        self.xp.subtract(1, dpre, out=dpre)
        dpre *= _total_dh(dh, dh_next, cont_next)


def _split(gates: Array) -> tuple[Array, Array, Array, Array]:
    """Views of the four gates."""
    hidden = gates.shape[1] // 4
    i, f, o, g = (gates[:, n * hidden : (n + 1) * hidden] for n in range(4))
    return i, f, o, g


def _kept(f: Array, cont: Array | None) -> Array:
    return f if cont is None else f * cont.reshape(-1, 1)


def _total_dh(dh: Array, dh_next: Array | None, cont_next: Array | None) -> Array:
    """The gradient of h: from the layer above plus from the next step."""
    if dh_next is None or cont_next is None:
        return dh
    return dh + dh_next * cont_next.reshape(-1, 1)

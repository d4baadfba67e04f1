"""The steps of LSTM and RNN in C."""

from typing import Any

from caffe_lite.backend.native.base import NativeBase
from caffe_lite.backend.numpy_ops import NumpyOps


class NativeRecurrent(NativeBase, NumpyOps):
    """See `RecurrentOps`."""

    def lstm_unit(
        self,
        gates: Any,
        c_prev: Any,
        cont: Any,
        c: Any,
        h: Any,
        cont_next: Any = None,
        h_cont: Any = None,
    ) -> None:
        at = self._addresses(gates, c_prev, cont, c, h, cont_next, h_cont)
        if at is None or not _shapes_agree(c_prev, c, h, h_cont):
            return super().lstm_unit(gates, c_prev, cont, c, h, cont_next, h_cont)
        self._functions(gates.size).lstm_unit(*c.shape, *at)

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
        dh_next: Any = None,
        cont_next: Any = None,
    ) -> None:
        arrays = (gates, c_prev, cont, c, dc, dh, dgates, dc_prev, dh_next, cont_next)
        at = self._addresses(*arrays)
        if at is None or not _shapes_agree(c_prev, c, dc, dh, dc_prev, dh_next):
            return super().lstm_unit_grad(*arrays)
        self._functions(gates.size).lstm_unit_grad(*c.shape, *at)

    def rnn_unit(self, pre: Any, h: Any, cont_next: Any = None, h_cont: Any = None) -> None:
        at = self._addresses(pre, h, cont_next, h_cont)
        if at is None or not _shapes_agree(pre, h, h_cont):
            return super().rnn_unit(pre, h, cont_next, h_cont)
        self._functions(h.size).rnn_unit(*h.shape, *at)

    def rnn_unit_grad(
        self, h: Any, dh: Any, dpre: Any, dh_next: Any = None, cont_next: Any = None
    ) -> None:
        at = self._addresses(h, dh, dpre, dh_next, cont_next)
        if at is None or not _shapes_agree(h, dh, dpre, dh_next):
            return super().rnn_unit_grad(h, dh, dpre, dh_next, cont_next)
        self._functions(h.size).rnn_unit_grad(*h.shape, *at)


def _shapes_agree(*arrays: Any) -> bool:
    return len({a.shape for a in arrays if a is not None}) == 1

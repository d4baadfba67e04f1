"""The LSTM's step in C."""

from typing import Any

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase


class NativeRecurrent(NativeBase, NumpyOps):
    """See `ReferenceRecurrent`."""

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


def _shapes_agree(first: Any, *others: Any) -> bool:
    shape = first.shape
    return all(a is None or a.shape == shape for a in others)

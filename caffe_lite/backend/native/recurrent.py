"""The LSTM's step in C."""

from typing import Any

from ..numpy_ops import NumpyOps
from .base import NativeBase


class NativeRecurrent(NativeBase, NumpyOps):
    """See `RecurrentOps`."""

    def lstm_unit(self, gates: Any, c_prev: Any, cont: Any, c: Any, h: Any) -> None:
        at = self._addresses(gates, c_prev, gates if cont is None else cont, c, h)
        if at is None or not c_prev.shape == c.shape == h.shape:
            return super().lstm_unit(gates, c_prev, cont, c, h)
        keep = None if cont is None else at[2]
        self._functions(gates.size).lstm_unit(*c.shape, at[0], at[1], keep, at[3], at[4])

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
        at = self._addresses(
            gates, c_prev, gates if cont is None else cont, c, dc, dh, dgates, dc_prev
        )
        if at is None or not c_prev.shape == c.shape == dc.shape == dh.shape == dc_prev.shape:
            return super().lstm_unit_grad(gates, c_prev, cont, c, dc, dh, dgates, dc_prev)
        if cont is None:
            at[2] = 0
        self._functions(gates.size).lstm_unit_grad(*c.shape, *at)

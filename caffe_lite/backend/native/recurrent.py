"""One time step of an LSTM in C."""

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array


class NativeRecurrent(NativeBase, NumpyOps):
    """See `ReferenceRecurrent`."""

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
        at = self._addresses(gates, c_prev, cont, c, h, cont_next, h_cont)
        if at is None or not _shapes_agree(c_prev, c, h, h_cont):
            return super().lstm_unit(gates, c_prev, cont, c, h, cont_next, h_cont)
        self._functions(gates.size).lstm_unit(*c.shape, *at)

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
        arrays = (gates, c_prev, cont, c, dc, dh, dgates, dc_prev, dh_next, cont_next)
        at = self._addresses(*arrays)
        if at is None or not _shapes_agree(c_prev, c, dc, dh, dc_prev, dh_next):
            return super().lstm_unit_grad(*arrays)
        self._functions(gates.size).lstm_unit_grad(*c.shape, *at)


def _shapes_agree(first: Array, *others: Array | None) -> bool:
    shape = first.shape
    return all(a is None or a.shape == shape for a in others)

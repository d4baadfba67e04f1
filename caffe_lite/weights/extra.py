"""What a solver state holds beyond Caffe's fields, packed into bytes: see `SolverState`."""

from dataclasses import asdict

from caffe_lite.weights import payload
from caffe_lite.weights.checksum import FileIdentity
from caffe_lite.weights.stored import SolverState

WEIGHTS = "weights"  # the key, beside those of the solver, that names the weights file


def set_extra(state: SolverState, packed: bytes) -> None:
    """Unpack what `packed_extra` packed into `state`; ValueError if it is damaged."""
    if not packed:
        return
    state.extra = payload.loads(packed)
    named = state.extra.pop(WEIGHTS, None)
    if named is not None:
        try:
            state.weights = FileIdentity(**named)
            sound = state.weights.size >= 0 and len(bytes.fromhex(state.weights.sha256)) == 32
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise ValueError("the saved state is damaged: it does not name its weights")


def packed_extra(state: SolverState) -> bytes:
    """What a state holds beyond Caffe's fields, as bytes; none if there is nothing."""
    if state.extra is None:
        return b""
    named = {} if state.weights is None else {WEIGHTS: asdict(state.weights)}
    return payload.dumps({**state.extra, **named})

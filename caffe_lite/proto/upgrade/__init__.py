"""Upgrades of nets and solvers from older dialects to the current schema.

The steps, their order and their results are those of BVLC Caffe 1.0
(src/caffe/util/upgrade_proto.cpp). As there, a field without an equivalent in the newer
schema is dropped with a warning. What makes Caffe abort is a `PrototxtError` here.
"""

from caffe_lite.proto import schema
from caffe_lite.proto.upgrade import batch_norm, inputs, solver, transforms, v0, v1
from caffe_lite.types import AnyMessage, Message, NetParameter, SolverParameter

# Each step has `needed(net)`, `upgrade(net, file)` on a net that it may change, and a NAME.
_STEPS = (v0, transforms, v1, inputs, batch_norm)


def upgrade_net(net: Message, name: str = "net") -> NetParameter:
    """An upgraded copy of the NetParameter `net`; errors call its file `name`."""
    return upgrade_net_steps(net, name)[0]


def upgrade_net_steps(net: Message, name: str) -> tuple[NetParameter, list[str]]:
    """As `upgrade_net`; also returns the names of the steps that were needed."""
    upgraded = schema.NetParameter()
    upgraded.CopyFrom(schema.current(net))
    taken = []
    for step in _STEPS:
        if step.needed(upgraded):
            upgraded = step.upgrade(upgraded, name)
            taken.append(step.NAME)
    return upgraded, taken


def solver_needs_upgrade(param: AnyMessage) -> bool:
    """Whether the SolverParameter `param` names its type by the old `solver_type`."""
    return solver.needed(param)


def upgrade_solver(param: Message, name: str = "solver") -> SolverParameter:
    """A copy of the SolverParameter `param` with `type` instead of `solver_type`."""
    upgraded = schema.SolverParameter()
    upgraded.CopyFrom(schema.current(param))
    if solver.needed(upgraded):
        upgraded = solver.upgrade(upgraded, name)
    return upgraded

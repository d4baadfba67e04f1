"""Nets and solvers in older dialects of the schema, brought to the current one.

The steps, their order and their results are those of BVLC Caffe 1.0
(src/caffe/util/upgrade_proto.cpp). What an older layer says that the newer schema cannot is
dropped with a warning, as there; what makes Caffe abort is a `PrototxtError` here.
"""

from caffe_lite.proto import schema
from caffe_lite.proto.upgrade import batch_norm, inputs, solver, transforms, v0, v1
from caffe_lite.types import AnyMessage, Message, NetParameter, SolverParameter

# Each step has `needed(net)`, `upgrade(net, file)` on a net that it may change, and a NAME.
_STEPS = (v0, transforms, v1, inputs, batch_norm)


def upgrade_net(net: Message, name: str = "net") -> NetParameter:
    """An upgraded copy of the NetParameter `net`; `name` stands for its file in errors."""
    return upgrade_net_steps(net, name)[0]


def upgrade_net_steps(net: Message, name: str) -> tuple[NetParameter, list[str]]:
    """As `upgrade_net`, with the names of the steps that were taken."""
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
    """A copy of the SolverParameter `param` with `type` in the place of `solver_type`."""
    upgraded = schema.SolverParameter()
    upgraded.CopyFrom(schema.current(param))
    if solver.needed(upgraded):
        upgraded = solver.upgrade(upgraded, name)
    return upgraded

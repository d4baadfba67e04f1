"""The built-in update rules, for tests of operations."""

from caffe_lite.backend import UpdateRule
from caffe_lite.solvers.registry import solver_class


def update_rule(name):
    """The rule of the solver of that type, as a solver hands it to `Ops.update`."""
    cls = solver_class(name)
    return UpdateRule(cls.rule, cls.histories, cls.decoupled_decay)

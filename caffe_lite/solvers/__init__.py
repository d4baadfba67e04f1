"""Solvers: training a net with Caffe's update rules, log and snapshot files."""

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import default_ops, get_solver, register, solver_types

__all__ = ["Solver", "default_ops", "get_solver", "register", "solver_types"]

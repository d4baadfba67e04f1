"""Solvers: how a net is trained, by the rules and with the files of Caffe's own."""

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import default_ops, get_solver, register, solver_types

__all__ = ["Solver", "default_ops", "get_solver", "register", "solver_types"]

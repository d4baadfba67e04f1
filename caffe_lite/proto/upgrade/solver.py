"""`solver_type: ADAGRAD` becomes `type: "AdaGrad"`."""

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage

NAME = "solver_type"

_TYPES = {
    schema.SolverParameter.SGD: "SGD",
    schema.SolverParameter.NESTEROV: "Nesterov",
    schema.SolverParameter.ADAGRAD: "AdaGrad",
    schema.SolverParameter.RMSPROP: "RMSProp",
    schema.SolverParameter.ADADELTA: "AdaDelta",
    schema.SolverParameter.ADAM: "Adam",
}


def needed(param: AnyMessage) -> bool:
    return param.HasField("solver_type")


def upgrade(param: AnyMessage, file: str) -> AnyMessage:
    name = _TYPES[param.solver_type]
    if param.HasField("type"):
        raise PrototxtError(
            f'both type: "{param.type}" and the old solver_type are given; keep only type', file
        )
    param.type = name
    param.ClearField("solver_type")
    return param

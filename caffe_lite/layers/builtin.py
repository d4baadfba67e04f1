"""Built-in layer types, the module of caffe_lite.layers that holds each, and what each reads.

A list and not a scan of the folder, so that a type is imported only when a net uses it.
"""

from typing import Any

from caffe_lite.proto import schema

_TYPES = """
AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat ContrastiveLoss Convolution Crop
Data Deconvolution Dropout DummyData ELU Eltwise Embed EuclideanLoss Exp Filter Flatten HDF5Data
HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct Input LRN LSTM LSTMUnit Log MVN
MemoryData MultinomialLogisticLoss PReLU Parameter Pooling Power Python RNN ReLU Reduction Reshape
SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss Split Swish TanH
Threshold Tile WindowData
"""

_MODULES = {
    "AbsVal": "absval",
    "ArgMax": "argmax",
    "BNLL": "bnll",
    "ELU": "elu",
    "HDF5Data": "hdf5_data",
    "HDF5Output": "hdf5_output",
    "LRN": "lrn",
    "LSTM": "lstm",
    "LSTMUnit": "lstm_unit",
    "MVN": "mvn",
    "PReLU": "prelu",
    "RNN": "rnn",
    "ReLU": "relu",
    "SPP": "spp",
    "TanH": "tanh",
}


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


BUILTIN: dict[str, str] = {name: _MODULES.get(name, _snake(name)) for name in _TYPES.split()}

# Messages that a type reads besides, or in place of, that of its own name; a dot picks one field.
_READS: dict[str, tuple[str, ...]] = {
    "Data": ("data_param", "transform_param"),
    "Deconvolution": ("convolution_param",),
    "HDF5Data": ("hdf5_data_param", "data_param.prefetch"),
    "Im2col": ("convolution_param",),
    "ImageData": ("image_data_param", "transform_param", "data_param.prefetch"),
    "InfogainLoss": ("infogain_loss_param", "loss_param"),
    "LSTM": ("recurrent_param",),
    "MemoryData": ("memory_data_param", "transform_param"),
    "RNN": ("recurrent_param",),
    "SigmoidCrossEntropyLoss": ("loss_param",),
    "SoftmaxWithLoss": ("loss_param", "softmax_param"),
    "WindowData": ("window_data_param", "transform_param", "data_param.prefetch"),
}


def messages_of(type_name: str) -> tuple[str, ...]:
    """Fields of LayerParameter that the type reads; "data_param.prefetch" is one field alone."""
    own = f"{BUILTIN.get(type_name, '')}_param"
    known = schema.LayerParameter.DESCRIPTOR.fields_by_name
    return _READS.get(type_name, (own,) if own in known else ())


def unread_messages(param: Any) -> list[str]:
    """The parameter messages that a LayerParameter has and its built-in type does not read."""
    if param.type not in BUILTIN:
        return []
    read = {name.partition(".")[0] for name in messages_of(param.type)}
    return [
        field.name
        for field, _ in param.ListFields()
        if field.name.endswith("_param") and field.name not in read
    ]

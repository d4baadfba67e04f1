"""Built-in layer types and the module of caffe_lite.layers that holds each.

A list and not a scan of the folder, so that a type is imported only when a net uses it.
"""

_TYPES = """
AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat ContrastiveLoss Convolution Crop
Data Deconvolution Dropout DummyData ELU Eltwise Embed EuclideanLoss Exp Filter Flatten HDF5Data
HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct Input LRN LSTM LSTMUnit Log MVN
MemoryData MultinomialLogisticLoss PReLU Parameter Pooling Power Python RNN ReLU Reduction Reshape
SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss Split Swish TanH
Threshold Tile WindowData
"""

_MODULES = {
    "AbsVal": "absval", "ArgMax": "argmax", "BNLL": "bnll", "ELU": "elu", "HDF5Data": "hdf5_data",
    "HDF5Output": "hdf5_output", "LRN": "lrn", "LSTM": "lstm", "LSTMUnit": "lstm_unit",
    "MVN": "mvn", "PReLU": "prelu", "RNN": "rnn", "ReLU": "relu", "SPP": "spp", "TanH": "tanh",
}


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


BUILTIN: dict[str, str] = {name: _MODULES.get(name, _snake(name)) for name in _TYPES.split()}

"""V1 `layers`, with enum types and parallel lists per blob, become `layer`."""

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage

NAME = "V1 layers"

_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}

# Of forks; each chose numbers of its own, so only definitions in text can name them.
_FORK_TYPES = {
    "BN": "BN",
    "CONVOLUTION3D": "Convolution3D",
    "CROP": "Crop",
    "DENSE_IMAGE_DATA": "DenseImageData",
    "DETECTION_LOSS": "DetectionLoss",
    "ELTWISE_ACCURACY": "EltwiseAccuracy",
    "ELTWISE_AFFINE": "EltwiseAffine",
    "EVAL_DETECTION": "EvalDetection",
    "IMAGE_SEG_DATA": "ImageSegData",
    "INSANITY": "Insanity",
    "INTERP": "Interp",
    "LOCAL": "Local",
    "LSTM": "LSTM",
    "MULTI_STAGE_MEANFIELD": "MultiStageMeanfield",
    "NORMALIZE": "Normalize",
    "POOLING3D": "Pooling3D",
    "PRELU": "PReLU",
    "PYTHON": "Python",
    "REGION_LOSS": "RegionLoss",
    "RELU6": "ReLU6",
    "REORG": "Reorg",
    "RESHAPE": "Reshape",
    "ROI_POOLING": "ROIPooling",
    "SMOOTH_L1_LOSS": "SmoothL1Loss",
    "SPP": "SPP",
    "SUB_REGION": "SubRegion",
    "TRIPLET_LOSS": "TripletLoss",
    "UNPOOLING": "Unpooling",
    "UPSAMPLE": "Upsample",
    "VIDEO_DATA": "VideoData",
    "VIDEO_SEGMENTATION_DATA": "VideoSegmentationData",
    "VIDEO_WITH_VOXEL_TRUTH_DATA": "VideoWithVoxelTruthData",
    "WINDOW_SEG_DATA": "WindowSegData",
}

_UNCHANGED = ("bottom", "top", "include", "exclude", "blobs", "loss_weight")
_PER_BLOB = {  # list in the V1 layer: field of the param that takes its i-th value
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}


def needed(net: AnyMessage) -> bool:
    return len(net.layers) > 0


def upgrade(net: AnyMessage, file: str) -> AnyMessage:
    if net.layer:
        raise PrototxtError(
            'the net holds both "layer" and the old "layers";'
            ' write all of them as layer { type: "..." }',
            file,
        )
    for layer in net.layers:
        _upgrade_layer(layer, net.layer.add())
    net.ClearField("layers")
    return net


def _upgrade_layer(old: AnyMessage, new: AnyMessage) -> None:
    if old.HasField("name"):
        new.name = old.name
    if old.HasField("type"):
        new.type = (_TYPES | _FORK_TYPES)[schema.V1LayerParameter.LayerType.Name(old.type)]
    for field in _UNCHANGED:
        getattr(new, field).MergeFrom(getattr(old, field))
    for field, target in _PER_BLOB.items():
        for i, value in enumerate(getattr(old, field)):
            while len(new.param) <= i:
                new.param.add()
            setattr(new.param[i], target, value)
    for descriptor, value in old.ListFields():
        if descriptor.name.endswith("_param"):
            getattr(new, descriptor.name).CopyFrom(value)

"""Nets as NetSpec writes them, for any module that has pycaffe's interface (`caffe`)."""

SPECS = {}


def spec(function):
    SPECS[function.__name__] = function
    return function


def conv_bn_relu(caffe, bottom, outputs, **options):
    L = caffe.layers  # noqa: N806
    conv = L.Convolution(
        bottom,
        num_output=outputs,
        bias_term=False,
        weight_filler=dict(type="msra", variance_norm=caffe.params.Filler.FAN_OUT),
        **options,
    )
    norm = L.BatchNorm(conv, in_place=True, param=[dict(lr_mult=0)] * 3)
    scale = L.Scale(norm, in_place=True, bias_term=True)
    return L.ReLU(scale, in_place=True)


@spec
def classifier(caffe):
    L, P, n = caffe.layers, caffe.params, caffe.NetSpec()  # noqa: N806
    n.data, n.label = L.Data(
        source="train_lmdb",
        backend=P.Data.LMDB,
        batch_size=7,
        ntop=2,
        transform_param=dict(
            scale=1.0 / 256, mirror=True, crop_size=20, mean_value=[104, 117.5, 3]
        ),
        include=dict(phase=caffe.TRAIN),
    )
    n.conv = L.Convolution(
        n.data,
        kernel_size=[3, 5],
        stride=2,
        pad=[1, 2],
        num_output=6,
        group=2,
        weight_filler=dict(type="gaussian", std=0.01),
        bias_filler=dict(type="constant", value=0.1),
        param=[dict(lr_mult=1, decay_mult=1), dict(name="b", lr_mult=2, decay_mult=0)],
    )
    n.relu = L.ReLU(n.conv, in_place=True, negative_slope=0.25)
    n.pool = L.Pooling(n.relu, pool=P.Pooling.AVE, kernel_size=3, stride=2)
    n.norm = L.LRN(n.pool, local_size=3, alpha=1e-4, beta=0.6, norm_region=P.LRN.WITHIN_CHANNEL)
    n.drop = L.Dropout(n.norm, dropout_ratio=0.7, in_place=True)
    n.fc = L.InnerProduct(n.drop, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(
        n.fc, n.label, loss_weight=0.3, loss_param=dict(ignore_label=255, normalize=False)
    )
    n.accuracy = L.Accuracy(
        n.fc, n.label, top_k=5, include=[dict(phase=caffe.TEST), dict(stage=["val", "more"])]
    )
    return n.to_proto()


@spec
def automatic_names(caffe):
    L = caffe.layers  # noqa: N806
    data, label = L.DummyData(shape=[dict(dim=[2, 3, 8, 9]), dict(dim=2)], ntop=2)
    one = conv_bn_relu(caffe, data, 4, kernel_size=3, pad=1)
    two = conv_bn_relu(caffe, one, 4, kernel_size=3, pad=1)
    both = L.Eltwise(one, two, operation=caffe.params.Eltwise.SUM, coeff=[0.5, -1.5])
    score = L.InnerProduct(both, num_output=3)
    loss = L.SoftmaxWithLoss(score, label)
    return caffe.to_proto(loss, L.Softmax(score), L.ArgMax(score, top_k=2))


@spec
def names_and_none(caffe):
    """Named and unnamed tops mixed, a top twice, layers without tops, in-place chains."""
    L, n = caffe.layers, caffe.NetSpec()  # noqa: N806
    n.x = L.Input(shape=[dict(dim=[1, 2]), dict(dim=[3])], ntop=2)[0]
    hidden = L.TanH(L.InnerProduct(n.x, num_output=3), in_place=True)
    n.y = L.Sigmoid(hidden)
    n["z"] = L.Power(hidden, power=2, scale=0.5, shift=-1)
    n.again = n.z
    n.last = L.ReLU(L.ReLU(n.again, in_place=True), in_place=True)
    n.hush = L.Silence(n.y, n.last, ntop=0)
    n.first, n.second, n.third = L.Slice(n.z, ntop=3, slice_point=[1, 2], axis=1)
    n.out = L.Concat(n.third, n.first, name="other_name")
    return n.to_proto()


@spec
def one_top(caffe):
    L = caffe.layers  # noqa: N806
    x = L.Input(shape=dict(dim=[4, 5]))
    L.ReLU(x)
    return L.Reduction(L.AbsVal(x), operation=caffe.params.Reduction.MEAN, axis=1).to_proto()


@spec
def fully_convolutional(caffe):
    L, n = caffe.layers, caffe.NetSpec()  # noqa: N806
    n.data = L.Input(input_param=dict(shape=[dict(dim=[1, 3, 32, 32])]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=3, stride=4, pad=20)
    n.up = L.Deconvolution(
        n.conv,
        convolution_param=dict(num_output=2, kernel_size=8, stride=4, bias_term=False),
        param=[dict(lr_mult=0)],
    )
    n.score = L.Crop(n.up, n.data, axis=2, offset=[9, 9])
    return n.to_proto()


@spec
def python_layers(caffe):
    L, n = caffe.layers, caffe.NetSpec()  # noqa: N806
    n.data, n.label, n.clip_markers = L.Python(
        module="sequence_input_layer", layer="videoReadTrain_RGB", ntop=3
    )
    n.twice = L.Python(
        n.data,
        python_param=dict(module="layers", layer="Multiply", param_str="{'by': 2}"),
        propagate_down=[False],
    )
    n.loss = L.Python(n.twice, module="layers", layer="Mine", loss_weight=[1.5])
    return n.to_proto()


@spec
def captioner(caffe):
    L, P, n = caffe.layers, caffe.params, caffe.NetSpec()  # noqa: N806
    n.cont, n.words, n.target = L.HDF5Data(source="captions.txt", batch_size=20, ntop=3)
    n.embedding = L.Embed(
        n.words,
        input_dim=8801,
        num_output=1000,
        bias_term=False,
        weight_filler=dict(type="uniform", min=-0.08, max=0.08),
    )
    n.lstm = L.LSTM(
        n.embedding,
        n.cont,
        recurrent_param=dict(
            num_output=1000,
            weight_filler=dict(type="uniform", min=-0.08, max=0.08),
            bias_filler=dict(type="constant", value=0),
        ),
    )
    n.predict = L.InnerProduct(n.lstm, num_output=8801, axis=2)
    n.loss = L.SoftmaxWithLoss(
        n.predict,
        n.target,
        loss_weight=20,
        loss_param=dict(ignore_label=-1, normalization=P.Loss.BATCH_SIZE),
        softmax_param=dict(axis=2),
    )
    return n.to_proto()


@spec
def odd_fields(caffe):
    """Single values for repeated fields, numbers of NumPy, empty messages, unknown types."""
    import numpy as np

    L, n = caffe.layers, caffe.NetSpec()  # noqa: N806
    n.x = L.DummyData(
        shape=dict(dim=[int(d) for d in np.arange(1, 4)]), data_filler=dict(type="gaussian")
    )
    n.pad = L.Pooling(n.x, pool=1, kernel_h=2, kernel_w=3, stride_h=np.int64(2), pad_w=1)
    n.soft = L.Softmax(n.pad, softmax_param=dict())
    n.like_mine = L.MyOwnType(n.soft)
    n.tile = L.Tile(n.like_mine, axis=1, tiles=2, phase=caffe.TEST, exclude=dict(min_level=2))
    n.shape = L.Reshape(n.tile, shape=dict(dim=[0, -1]), axis=1, num_axes=2)
    n.conv = L.Convolution(
        n.shape, num_output=2, kernel_size=3, dilation=2, engine=caffe.params.Convolution.CAFFE
    )
    n.loss = L.ContrastiveLoss(n.conv, n.tile, n.x, margin=float(np.float32(0.1)))
    return n.to_proto()


@spec
def loop(caffe):
    """Names made by a program."""
    L, n = caffe.layers, caffe.NetSpec()  # noqa: N806
    n.data = L.Input(shape=dict(dim=[1, 3, 16, 16]))
    last = n.data
    for i in range(3):
        n[f"conv{i}/3x3"] = last = L.Convolution(last, kernel_size=3, num_output=2**i)
        n[f"conv{i}/relu"] = last = L.PReLU(last, channel_shared=True, in_place=True)
    return n.to_proto()

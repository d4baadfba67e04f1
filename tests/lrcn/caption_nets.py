"""Small caption nets with weights that make words clearly more or less likely."""

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.proto.upgrade import upgrade_net

FEATURES = 3
HEAD = """
name: "captions"
input: "cont_sentence" input_shape { dim: 1 dim: 5 }
input: "input_sentence" input_shape { dim: 1 dim: 5 }
%s
layer { name: "embedding" type: "Embed" bottom: "input_sentence" top: "embedded"
        embed_param { input_dim: %d num_output: 4 bias_term: false } }
"""
IMAGE_FEATURES = 'input: "image_features" input_shape { dim: 5 dim: 3 }'
CONVNET = """
input: "data" input_shape { dim: 5 dim: 2 dim: 4 dim: 3 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 2 kernel_size: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "image_features"
        inner_product_param { num_output: 3 } }
"""
TAIL = """
layer { name: "predict" type: "InnerProduct" bottom: "%s" top: "predict"
        inner_product_param { num_output: %d axis: 2 } }
layer { name: "probs" type: "Softmax" bottom: "predict" top: "probs" softmax_param { axis: 2 } }
"""


def recurrent(name, bottom, image, kind="LSTM"):
    static = 'bottom: "image_features"' if image else ""
    return (
        f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" bottom: "cont_sentence" '
        f'{static} top: "{name}" recurrent_param {{ num_output: 6 }} }}\n'
    )


def definition(size, form="factored", kind="LSTM"):
    """A net over `size` words: factored, unfactored, single, both, convnet or language model."""
    images = {"language": "", "convnet": CONVNET}.get(form, IMAGE_FEATURES)
    body = recurrent("lstm1", "embedded", form in ("unfactored", "single", "both"), kind)
    last = "lstm1"
    if form not in ("single", "language"):
        body += recurrent("lstm2", "lstm1", form in ("factored", "both", "convnet"), kind)
        last = "lstm2"
    return HEAD % (images, size) + body + TAIL % (last, size)


def build(prototxt, dtype="float64", device=None):
    param = upgrade_net(text.parse(prototxt, schema.NetParameter))
    return Net(param, schema.TEST, get_ops(device, dtype))


def make_net(size, form="factored", seed=0, kind="LSTM", dtype="float64", device=None):
    net = build(definition(size, form, kind), dtype, device)
    rng = np.random.default_rng(seed)
    for blob in net.learnable_params:
        blob.load(rng.normal(0, 0.9, blob.shape))
    net.params["predict"][1].data[0] += 2  # sentences of different lengths end
    return net


def make_captioner(size, form="factored", seed=0, batch_size=64, **options):
    vocabulary = Vocabulary([f"w{i}" for i in range(1, size)])
    return Captioner(make_net(size, form, seed, **options), vocabulary, batch_size)


def images(count, form="factored", seed=1):
    rng = np.random.default_rng(seed)
    shape = (2, 4, 3) if form == "convnet" else (FEATURES,)
    return rng.normal(0, 1.5, (count, *shape))


def step_by_step(net, image, ids):
    """log P of all words after each prefix of `ids` about one image, (len(ids) + 1, words).

    The plainest use of a net: one stream, one word a forward, `cont` 0 for the first.
    """
    rows = []
    for t, word in enumerate([0, *ids]):
        for name, value in (("cont_sentence", float(t > 0)), ("input_sentence", word)):
            net.blobs[name].reshape(1, 1)
            net.blobs[name].data[...] = value
        if image is not None:
            name = "data" if "data" in net.inputs else "image_features"
            net.blobs[name].reshape(1, *image.shape)
            net.blobs[name].data[...] = image
        net.reshape()
        net.forward()
        rows.append(np.log(net.blobs["probs"].data[0, 0]))
    return np.array(rows)

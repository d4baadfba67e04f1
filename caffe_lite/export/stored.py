"""A net's weights as files hold them, and the proof that a file holds them."""

from pathlib import Path

from caffe_lite.export.proof import Proof, Row, difference
from caffe_lite.nets.net import Net
from caffe_lite.proto import text
from caffe_lite.proto.files import StrPath
from caffe_lite.weights import read_weights, write_caffemodel, write_hdf5
from caffe_lite.weights.convert import kind_of
from caffe_lite.weights.named import blob_name
from caffe_lite.weights.npz import write_npz
from caffe_lite.weights.safetensors import write_safetensors
from caffe_lite.weights.stored import ArrayBlob


def layers_of(net: Net) -> dict[str, list[ArrayBlob]]:
    """The learned blobs of all layers, copied to the host; inserted Splits are left out."""
    return {
        layer.name: [ArrayBlob(blob.ops.to_host(blob.data)) for blob in layer.blobs]
        for layer in net.layers
        if layer.type != "Split"
    }


def write_weights(net: Net, path: StrPath) -> None:
    """Write the weights of `net` as the kind of file that the name of `path` stands for."""
    kind = kind_of(path)
    if kind == "caffemodel":
        write_caffemodel(net, path)
    elif kind == "hdf5":
        write_hdf5(net, path)
    elif kind == "npz":
        write_npz(layers_of(net), text.format(net.param), path)
    else:
        write_safetensors(layers_of(net), text.format(net.param), path)


def check_file(net: Net, path: Path) -> Proof:
    """A row for each blob of the weights in `path`, beside the net's."""
    weights = read_weights(path)
    weights.verify()
    proof = Proof()
    for name, blobs in layers_of(net).items():
        for i, (ours, theirs) in enumerate(zip(blobs, weights[name], strict=True)):
            row = Row(blob_name(name, i), ours.shape, difference(ours.array(), theirs), "none")
            proof.rows.append(row)
    return proof

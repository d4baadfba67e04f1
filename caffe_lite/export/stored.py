"""A net's weights as files hold them, and the proof that a file holds them."""

from pathlib import Path

from caffe_lite.export.proof import Proof, Row, difference
from caffe_lite.nets.net import Net
from caffe_lite.weights import read_weights
from caffe_lite.weights.named import blob_name
from caffe_lite.weights.stored import ArrayBlob


def layers_of(net: Net) -> dict[str, list[ArrayBlob]]:
    """The learned blobs of all layers, copied to the host; inserted Splits are left out."""
    return {
        layer.name: [ArrayBlob(blob.ops.to_host(blob.data)) for blob in layer.blobs]
        for layer in net.layers
        if layer.type != "Split"
    }


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

"""Blobs that layers share: where a file leaves them out, and which ones they are."""

from caffe_lite.errors import ModelError
from caffe_lite.types import NetParameter
from caffe_lite.weights.named import Layers
from caffe_lite.weights.stored import StoredBlob, Weights


def fill_in_shared(weights: Weights, net: NetParameter | None) -> Layers:
    """The layers with every blob there, as a caffemodel has them.

    A blob that the file leaves out is the one of the same `param { name: ... }` in an earlier layer
    of `net`. Raises ModelError where that does not say which it is.
    """
    owners: dict[str, StoredBlob] = {}
    filled: dict[str, list[StoredBlob | None]] = {
        name: list(blobs) for name, blobs in weights.stored.items()
    }
    for layer in [] if net is None else net.layer:
        blobs = filled.setdefault(layer.name, [])
        for i, spec in enumerate(layer.param):
            if not spec.name:
                continue
            if i < len(blobs):
                found = blobs[i]
                if found is not None:
                    owners.setdefault(spec.name, found)
                    continue
            if spec.name in owners:
                blobs.extend([None] * (i + 1 - len(blobs)))
                blobs[i] = owners[spec.name]
    for name, blobs in filled.items():
        if None in blobs:
            known = "" if net is not None else "; give its definition (--net)"
            raise ModelError(
                f'{weights.path}: blob {blobs.index(None)} of layer "{name}" is shared with '
                f"another layer, which the file does not name{known}"
            )
    return filled

"""NVIDIA's and Intel's Data: records in random order."""

from typing import Any, ClassVar

from caffe_lite.data.batches import DatumBatches
from caffe_lite.forks.nvidia._shuffled import ShuffledSource
from caffe_lite.layers import data
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Data", when=["data_param.shuffle"])
class Data(data.Data):
    """Images and labels of a database of datums, in another order in each pass.

    top[0]  data   (batch_size, C, H, W)  transformed by transform_param
    top[1]  label  (batch_size,)          optional

    `shuffle: true` reads blocks of 256 neighbouring records in random order, and the records of a
    block in random order, so that every record comes once a pass. `rand_skip` has no effect beside
    it. All other fields are those of Caffe's Data.

    Differences from NVIDIA's and Intel's layers, which permute all records: NVIDIA's keeps them in
    memory for that, and shuffles with `cache: true` alone.

    Source: NVIDIA/caffe, intel/caffe, yjxiong/caffe

    Example::

        layer { name: "data" type: "Data" top: "data" top: "label"
                data_param { source: "train_lmdb" backend: LMDB batch_size: 4 shuffle: true } }
    """

    extensions: ClassVar[tuple[str, ...]] = (*data.Data.extensions, "data_param.shuffle")

    def open(self, top: Blobs) -> DatumBatches:
        batches = super().open(top)
        if not self.param.data_param.shuffle:
            return batches
        return _ShuffledBatches(batches, int(self._generator.integers(2**63)))


class _ShuffledBatches(DatumBatches):
    """The same batches with records in random order."""

    def __init__(self, batches: DatumBatches, seed: int) -> None:
        self._shuffled = ShuffledSource(batches.source, seed)
        super().__init__(
            self._shuffled, batches.transformer, batches.batch_size, bool(batches.label_count)
        )

    def _position(self) -> dict[str, Any]:
        return {"cursor": self._shuffled.cursor, "seed": self._shuffled.seed}

    def _seek(self, position: dict[str, Any]) -> None:
        self._shuffled.seed = position["seed"]
        self._shuffled.seek(position["cursor"])

"""A table of a net's layers: their tops, learned blobs, multiply-adds and memory."""

from dataclasses import dataclass, fields

from caffe_lite.nets.net import Net


@dataclass(frozen=True)
class LayerSummary:
    """One layer: the shapes of its tops by name, counts of elements, bytes of its tops' data.

    A number is None if it depends on data of unknown shape.
    """

    name: str
    type: str
    tops: dict[str, tuple[int | None, ...]]
    parameters: int | None
    shared: int | None
    multiply_adds: int | None
    memory: int | None


def summarize(net: Net) -> list[LayerSummary]:
    """Describe the layers of a net, for one forward pass. Allocates nothing.

    `parameters` counts the learned elements that the layer owns, `shared` those that an earlier
    layer owns. Tops that share the memory of a bottom or a learned blob count as no memory.
    """
    owned = {(spec.owner.name, spec.index) for spec in net.parameters.specs}
    rows = []
    for i, layer in enumerate(net.layers):
        node, bottom = net.wiring.nodes[i], net.bottom_vecs[i]
        counts = {True: 0, False: 0}
        for index, blob in enumerate(layer.blobs):
            counts[(layer.name, index) in owned] += blob.count
        others = {blob.buffer_ids[0] for blob in (*bottom, *layer.blobs)}
        own_tops = [blob for blob in net.top_vecs[i] if blob.buffer_ids[0] not in others]
        rows.append(
            LayerSummary(
                layer.name,
                layer.described_type,
                {
                    net.wiring.blob_names[t]: blob.shape
                    for t, blob in zip(node.top, net.top_vecs[i], strict=True)
                },
                counts[True],
                counts[False],
                layer.multiply_adds(bottom, net.top_vecs[i]),
                sum(blob.count for blob in own_tops) * net.ops.dtype.itemsize,
            )
        )
    return rows


def where_equal(rows: list[LayerSummary], others: list[LayerSummary]) -> list[LayerSummary]:
    """The rows, with None for each number that differs in `others`, the same net on other data."""
    merged = []
    for row, other in zip(rows, others, strict=True):
        tops = {
            name: _common(shape, shape_b)
            for (name, shape), shape_b in zip(row.tops.items(), other.tops.values(), strict=True)
        }
        counts = [
            getattr(row, f.name) if getattr(row, f.name) == getattr(other, f.name) else None
            for f in fields(LayerSummary)[3:]
        ]
        merged.append(LayerSummary(row.name, row.type, tops, *counts))
    return merged


def _common(shape: tuple[int | None, ...], other: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The sizes that are the same in both shapes, None for the others."""
    if len(shape) != len(other):
        return (None,) * len(shape)
    return tuple(a if a == b else None for a, b in zip(shape, other, strict=True))

"""Embed of bottom-up-attention, which puts its numbers in the place of a last axis of size 1.

Caffe's Embed appends an axis: classes (N, 1), as ArgMax gives them along an axis, become (N, 1, D).
Nets of that fork put (N, D) beside the (N, K) of an InnerProduct, which Caffe's shape rules out, so
this is how such a net is recognised.
"""

from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter


def flatten_embeddings(net: NetParameter) -> None:
    """Add a Flatten behind each Embed of classes that is concatenated with rows, in place."""
    makers: dict[str, LayerParameter] = {}
    found: set[int] = set()
    for layer in net.layer:
        if layer.type == "Concat" and any(_is_rows(makers.get(b)) for b in layer.bottom):
            for index, embed in enumerate(net.layer):
                if _embeds_classes(embed, makers) and embed.top[0] in layer.bottom:
                    found.add(index)
        for top in layer.top:
            if top not in layer.bottom:  # layers in place keep the shape
                makers[top] = layer
    for index in sorted(found, reverse=True):
        embed = net.layer[index]
        flatten = schema.LayerParameter(name=f"{embed.name}_rows", type="Flatten", top=embed.top)
        flatten.include.extend(embed.include)
        flatten.exclude.extend(embed.exclude)
        embed.top[0] = f"{embed.name}_unflattened"
        flatten.bottom.append(embed.top[0])
        net.layer.insert(index + 1, flatten)


def _is_rows(layer: LayerParameter | None) -> bool:
    return (
        layer is not None and layer.type == "InnerProduct" and layer.inner_product_param.axis == 1
    )


def _embeds_classes(layer: LayerParameter, makers: dict[str, LayerParameter]) -> bool:
    """Whether a layer is an Embed of what an ArgMax finds along axis 1 of rows."""
    if layer.type != "Embed" or len(layer.bottom) != 1 or len(layer.top) != 1:
        return False
    classes = makers.get(layer.bottom[0])
    if classes is None or classes.type != "ArgMax" or not classes.argmax_param.HasField("axis"):
        return False
    return classes.argmax_param.axis == 1 and _is_rows(makers.get(classes.bottom[0]))

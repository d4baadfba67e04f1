"""What forks of Caffe added: layers that their nets name, one package per family.

`caffe_lite/layers/` is Caffe 1.0; everything else that public nets use is here. A family's
`__init__.py` describes it as a `LayerSet` named `LAYERS`, and each of its other files holds a
layer, registered as an outside package would register it and imported when a net uses its type.
Its messages are in proto/forks/<family>.proto.
"""

from importlib import import_module
from pkgutil import iter_modules

from caffe_lite.layers.layer_set import LayerSet


def _families() -> list[LayerSet]:
    names = sorted(module.name for module in iter_modules(__path__) if module.ispkg)
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return [module.LAYERS for module in modules if hasattr(module, "LAYERS")]


FAMILIES: list[LayerSet] = _families()

"""Nets written in Python: `n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20)`."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor

from caffe_lite.errors import LayerError, did_you_mean
from caffe_lite.layers.registry import CAFFE, layer_class
from caffe_lite.proto import schema
from caffe_lite.proto.merge import is_addition
from caffe_lite.pycaffe.assign import assign
from caffe_lite.pycaffe.errors import NotATopError, UnknownNameError


class Top:
    """Top number `n` of the layer `fn`."""

    def __init__(self, fn: Function, n: int) -> None:
        self.fn, self.n = fn, n

    def to_proto(self) -> Any:
        """The NetParameter of all layers that this top needs."""
        return to_proto(self)


class Function:
    """A layer: its type, its inputs (tops of other layers) and its keywords, `params`.

    The keywords `ntop` and `in_place` are not in `params`; `tops` are the layer's `ntop` Tops.
    """

    def __init__(self, type_name: str, inputs: tuple[Top, ...], params: dict[str, Any]) -> None:
        for i, top in enumerate(inputs):
            if not isinstance(top, Top):
                raise NotATopError(f"{type_name}: input {i} must be {_A_TOP}, got {_kind(top)}")
        self.type_name, self.inputs = type_name, inputs
        self.params = {key: v for key, v in params.items() if key not in ("ntop", "in_place")}
        self.ntop: int = params.get("ntop", 1)
        self.in_place = bool(params.get("in_place", False))
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def to_proto(self) -> Any:
        """The NetParameter of this layer and the layers that it needs."""
        return to_proto(self)


_A_TOP = "the top of a layer (unpack what ntop > 1 returns)"


def _kind(value: Any) -> str:
    return type(value).__name__


class _Writer:
    """Collects layers in the order of execution, and gives names to those without."""

    def __init__(self, names: dict[Top | Function, str]) -> None:
        self.names = names
        self.layers: dict[Function, Any] = {}
        self._counts: Counter[str] = Counter()

    def write(self, fn: Function) -> None:
        """Append the layer `fn`, after the layers that it needs."""
        ahead = [fn]
        while ahead:  # not recursive, as nets can be deeper than Python's stack
            last = ahead[-1]
            missing = [top.fn for top in last.inputs if top.fn not in self.layers]
            if last in self.layers:
                ahead.pop()
            elif missing:
                ahead.append(missing[0])
            else:
                self.layers[ahead.pop()] = self._layer(last)

    def _layer(self, fn: Function) -> Any:
        layer = schema.LayerParameter(type=fn.type_name)
        layer.bottom.extend(self.layers[top.fn].top[top.n] for top in fn.inputs)
        if fn.in_place:
            layer.top.extend(layer.bottom)
        else:
            layer.top.extend(self._name(top, fn) for top in fn.tops)
        layer.name = self._name(fn.tops[0] if fn.tops else fn, fn)
        for key, value in fn.params.items():
            _assign_keyword(layer, key, value)
        return layer

    def _name(self, key: Top | Function, fn: Function) -> str:
        if key not in self.names:
            self._counts[fn.type_name] += 1
            self.names[key] = f"{fn.type_name}{self._counts[fn.type_name]}"
        return self.names[key]

    def net(self) -> Any:
        return schema.NetParameter(layer=self.layers.values())


@cache
def _own_messages(layer: Descriptor) -> dict[str, str]:
    """The field of LayerParameter for each type that has a message of its name.

    Of Caffe's types it is Caffe's own message: a fork's LSTMParameter is not LSTM's.
    """
    messages = {
        field: field.message_type.name.removesuffix("Parameter")
        for field in layer.fields
        if field.name.endswith("_param") and field.message_type
    }
    caffe = CAFFE.types()
    return {
        name: field.name
        for field, name in messages.items()
        if not (is_addition(field) and name in caffe)
    }


def _assign_keyword(layer: Any, key: str, value: Any) -> None:
    """Set the field `key` of the type's own message, or else of the layer."""
    where = f'{layer.type} "{layer.name}"'
    fields = layer.DESCRIPTOR.fields_by_name
    own = _own_messages(layer.DESCRIPTOR).get(layer.type)
    own_fields = fields[own].message_type.fields_by_name if own else {}
    if own and key in own_fields:
        assign(getattr(layer, own), key, value, where)
    elif key in fields:
        assign(layer, key, value, where)
    else:
        raise UnknownNameError(f'{where} takes no "{key}"{_hint(layer.type, key, own_fields)}')


def _messages(type_name: str) -> tuple[str, ...]:
    try:
        return layer_class(type_name).reads or ()
    except LayerError:  # reported when the net is built
        return ()


def _hint(type_name: str, key: str, own_fields: Any) -> str:
    message_fields = schema.LayerParameter.DESCRIPTOR.fields_by_name
    for message in _messages(type_name):
        known = message_fields.get(message)
        if known is not None and key in known.message_type.fields_by_name:
            return f"; write {message}=dict({key}=...)"
    return did_you_mean(key, [*own_fields, *message_fields, "ntop", "in_place"])


def to_proto(*tops: Top | Function) -> Any:
    """The NetParameter of all layers that these tops need, named by type: "ReLU1"."""
    writer = _Writer({})
    for top in tops:
        writer.write(top.fn if isinstance(top, Top) else top)
    return writer.net()


class NetSpec:
    """A net whose tops are named by assignment: `n.fc8 = L.InnerProduct(n.pool, num_output=10)`.

    `n.name` and `n["name"]` are the same. A layer without tops (ntop=0) can be assigned, too. Tops
    without a name get that of their type and a number. Raises NotATopError for other values and
    UnknownNameError for a top that does not exist.
    """

    tops: dict[str, Top | Function]

    def __init__(self) -> None:
        object.__setattr__(self, "tops", {})

    def __setattr__(self, name: str, value: Top | Function) -> None:
        if not isinstance(value, (Top, Function)):
            raise NotATopError(f"{name} must be {_A_TOP}, got {_kind(value)}")
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "tops":
            raise AttributeError(name)
        if name not in self.tops:
            raise UnknownNameError(f'the net has no top "{name}"{did_you_mean(name, self.tops)}')
        return self.tops[name]

    __setitem__ = __setattr__
    __getitem__ = __getattr__

    def to_proto(self) -> Any:
        """The NetParameter of all assigned tops and the layers that they need."""
        writer = _Writer({top: name for name, top in self.tops.items()})
        for top in self.tops.values():
            writer.write(top.fn if isinstance(top, Top) else top)
        return writer.net()


class Layers:
    """`L.Type(*bottoms, **keywords)` makes a layer of any type.

    It returns a Top, a tuple of `ntop` Tops, or with ntop=0 the Function. Keywords are fields of
    the type's own message or of LayerParameter.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy, Jupyter and others look for methods
            raise AttributeError(name)

        def layer(*inputs: Top, **params: Any) -> Any:
            fn = Function(name, inputs, params)
            return fn if not fn.tops else fn.tops[0] if len(fn.tops) == 1 else fn.tops

        return layer


class Parameters:
    """`P.Pooling.MAX`: an enum value of PoolingParameter."""

    def __getattr__(self, name: str) -> _Values:
        if name.startswith("_"):  # copy, Jupyter and others look for methods
            raise AttributeError(name)
        known = schema.DESCRIPTOR.message_types_by_name
        if f"{name}Parameter" in known:
            return _Values(getattr(schema, f"{name}Parameter"))
        messages = [each.removesuffix("Parameter") for each in known if each.endswith("Parameter")]
        raise UnknownNameError(f"there is no {name}Parameter{did_you_mean(name, messages)}")


class _Values:
    def __init__(self, message: Any) -> None:
        self._message = message

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if hasattr(self._message, name):
            return getattr(self._message, name)
        descriptor = self._message.DESCRIPTOR
        near = did_you_mean(name, descriptor.enum_values_by_name)
        raise UnknownNameError(f'{descriptor.name} has no value "{name}"{near}')


layers = Layers()
params = Parameters()

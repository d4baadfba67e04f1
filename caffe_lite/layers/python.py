"""A layer written in Python by the user."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import SourceLoader
from importlib.machinery import PathFinder
from importlib.util import find_spec
from traceback import extract_tb
from types import ModuleType
from typing import Any

from caffe_lite import plugins
from caffe_lite.blob import Blob, BlobVec
from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.host_blob import HostBlobs
from caffe_lite.layers.base import Layer, log
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, LayerParameter, NetParameter, Shape, State

OWN = "caffe_lite."  # how the names of this package's modules begin


@register("Python")
class Python(Layer):
    """A layer that the user wrote: class `layer` of the importable module `module`.

    The class derives from `caffe_lite.pycaffe.Layer` and has setup(bottom, top),
    reshape(bottom, top), forward(bottom, top) and backward(top, propagate_down, bottom). Its
    instance finds `param_str` (`param_str_`, as it was called in 2015, too) and `phase` (0 TRAIN,
    1 TEST) on itself, and makes learned blobs with `self.blobs.add_blob(3, 4)`. `blob.data` and
    `blob.diff` are NumPy arrays on every device; for a class with `on_device = True` they are the
    device's own, to be used with `self.ops`.

    bottom[i]  x_i  any number of blobs
    top[i]     y_i  any number of blobs
    blobs[i]        what `setup` adds

    The module is looked for on sys.path, which PYTHONPATH extends, and in the working directory.
    Where no package `caffe` is installed, `import caffe` in it gives `caffe_lite.pycaffe`.
    `reshape` runs before every forward.

    Differences from Caffe: `share_in_parallel` has no effect, as each process has its own net.

    Caffe: include/caffe/layers/python_layer.hpp

    Example::

        layer { name: "double" type: "Python" bottom: "x" top: "y"
                python_param { module: "my_layers" layer: "Multiply" param_str: "2" } }
    """

    bottoms = (0, None)
    tops = (0, None)
    in_place = True
    reshape_every_forward = True
    host_side = True
    has_source = True

    @classmethod
    def source_exists(cls, param: LayerParameter) -> bool:
        """Whether the module exists. One that does not parse does too, unless a replacement ships.

        A layer with bottoms reads no source, so the module that ships for it will do.
        """
        name = param.python_param.module
        if name.startswith(OWN):
            return True
        top_level = name.partition(".")[0]
        spec = PathFinder.find_spec(top_level, [*sys.path, os.getcwd()])
        if spec is None:
            return bool(param.bottom) and _ships(param)
        if not isinstance(spec.loader, SourceLoader):
            return True
        try:
            return spec.loader.get_code(top_level) is not None
        except SyntaxError:
            return plugins.shipped_module(name) is None

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        """What the class of a module that ships declares."""
        own = param.python_param
        module = plugins.shipped_module(own.module)
        user = getattr(import_module(module), own.layer, None) if module else None
        shapes = user.declared_shapes(own.param_str, list(param.top)) if user else None
        return shapes[min(top, len(shapes) - 1)] if shapes else None

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.python_param
        self.note_hint(param, "share_in_parallel")
        cls = self._find_class(param.module, param.layer)
        self._file = getattr(sys.modules[cls.__module__], "__file__", None)
        self._host = HostBlobs(self.ops)
        self._user = self._guard(cls, self.param, self.ops, self.phase, self._seed_key[0])
        self._user.param_str = self._user.param_str_ = param.param_str
        self.varying_axis = getattr(self._user, "varying_axis", None)
        self._user.blobs = _UserBlobs(self.blobs, self._host)
        self._call("setup", bottom, top)

    @property
    def user_class(self) -> type[Any]:
        """The class that `module` and `layer` name."""
        return type(self._user)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._call("reshape", bottom, top)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._call("forward", bottom, top)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._call("backward", top, list(propagate_down), bottom)

    def get_state(self) -> State:
        state: State = self._guard(self._user.get_state)
        return state

    def set_state(self, state: State) -> None:
        self._guard(self._user.set_state, state)

    def close(self) -> None:
        if "_user" in vars(self):
            self._guard(self._user.close)

    @property
    def described_type(self) -> str:
        """The type that the user's layer describes itself as, if it does."""
        return self._user.described_type or self.type

    def __getattr__(self, name: str) -> Any:
        """What the user keeps on the instance is found on the net's layer too."""
        if name == "_user":
            raise AttributeError(name)
        return getattr(self._user, name)

    def _call(self, method: str, *args: Sequence[Any]) -> None:
        if not getattr(self._user, "on_device", False):
            args = tuple(
                [self._host.wrap(item) if isinstance(item, Blob) else item for item in arg]
                for arg in args
            )
        self._guard(getattr(self._user, method), *args)
        self._host.flush()

    def _guard(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the user's code; its error becomes the cause of one that names the layer."""
        try:
            return function(*args)
        except DataError as error:  # it is about a file, not about the code that read it
            raise DataError(str(self.fail(f"{self.param.python_param.layer}: {error}"))) from error
        except SystemExit as error:
            raise self.fail(
                f"its code ended the program at {self._place(error)}: {error!r}; raise an error "
                "instead"
            ) from error
        except Exception as error:
            raise self.fail(
                f"{self.param.python_param.layer} failed at {self._place(error)}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _place(self, error: BaseException) -> str:
        """The file and line of the error, in the module's own code if it passed through that."""
        frames = extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename == self._file] or frames
        return f"{own[-1].filename}:{own[-1].lineno}"

    def _find_class(self, module_name: str, class_name: str) -> type[Layer]:
        if not module_name or not class_name:
            raise self.fail('needs python_param { module: "..." layer: "..." }')
        module = self._import(module_name)
        cls = getattr(module, class_name, None)
        if cls is None:
            layers = [
                name
                for name, value in vars(module).items()
                if isinstance(value, type) and issubclass(value, Layer)
            ]
            raise self.fail(
                f'module "{module_name}" ({module.__file__}) has no layer '
                f'"{class_name}"{did_you_mean(class_name, layers)}'
            )
        if not (isinstance(cls, type) and issubclass(cls, Layer)):
            raise self.fail(
                f"{module_name}.{class_name} must be a class that derives from "
                "caffe_lite.pycaffe.Layer"
            )
        return cls

    def _import(self, name: str) -> ModuleType:
        own = name.startswith(OWN)  # may import an optional package by the way
        if not own and "" not in sys.path and os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        if not own and "caffe" not in sys.modules and find_spec("caffe") is None:
            plugins.call("install_as_caffe")
        shipped = plugins.shipped_module(name)
        for candidate in (name, shipped):
            if candidate is None:
                continue
            try:
                return import_module(candidate)
            except ModuleNotFoundError as error:
                if not f"{candidate}.".startswith(f"{error.name}."):
                    raise self.fail(
                        f'module "{name}" needs one that is missing: {error}'
                    ) from error
            except Exception as error:
                if candidate == name and shipped and _is_python_2(error):
                    log.warning(
                        'layer "%s": %s is written in Python 2; %s takes its place',
                        self.name,
                        getattr(error, "filename", name),
                        shipped,
                    )
                    continue
                raise self.fail(
                    f'module "{name}" cannot be imported: {type(error).__name__}: {error}'
                ) from error
        raise self.fail(
            f'module "{name}" was not found; put the folder that holds {name}.py on '
            f"PYTHONPATH, or run in it (working directory: {os.getcwd()})"
        )


def _ships(param: LayerParameter) -> bool:
    """Whether this package has the layer's class in a module that takes the place of its own."""
    module = plugins.shipped_module(param.python_param.module)
    return module is not None and hasattr(import_module(module), param.python_param.layer)


def _is_python_2(error: Exception) -> bool:
    return isinstance(error, SyntaxError) and str(error.msg).startswith("Missing parentheses")


class _UserBlobs(list[Any]):
    """The learned blobs as the user's class sees them: with host arrays."""

    def __init__(self, blobs: BlobVec, host: HostBlobs) -> None:
        super().__init__(host.wrap_all(blobs))
        self._blobs, self._host = blobs, host

    def add_blob(self, *shape: int) -> Any:
        self.append(self._host.wrap(self._blobs.add_blob(*shape)))
        return self[-1]

"""Sets of layer types: packages whose files each define a type.

The file of a type has its name, in snake case or without the underscores: `InnerProduct` is
`inner_product.py`, `PReLU` is `prelu.py`. A file whose name begins with an underscore, or that
registers nothing, is not a layer. So a new layer in a set's folder is one file, listed nowhere.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

_REGISTERED = re.compile(r"^@register\((.*?)\)\n", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r'"(\w+)"')


@dataclass(frozen=True)
class LayerSet:
    """The layers of one origin: `title` names it, `package` holds a file for each type.

    `repository` is where a fork of Caffe defines them.
    """

    title: str
    package: str
    repository: str = "BVLC/caffe"

    @cached_property
    def _by_file(self) -> dict[str, str]:
        """Modules by the folded name of their files."""
        return {_fold(file.name[:-3]): f"{self.package}.{file.name[:-3]}" for file in self._files()}

    @cached_property
    def _by_type(self) -> dict[str, str]:
        """Modules by the types that they register, aliases included. Reads every file."""
        return {
            name: f"{self.package}.{file.name[:-3]}"
            for file in self._files()
            for arguments in _REGISTERED.findall(file.read_text(encoding="utf-8"))
            for name in _NAME.findall(re.split(r"\b(?:fields|proto|when)=", arguments)[0])
        }

    def _files(self) -> list[Traversable]:
        return [
            file
            for file in files(self.package).iterdir()
            if file.name.endswith(".py") and not file.name.startswith("_")
        ]

    def module(self, type_name: str) -> str | None:
        """The module that defines a type, or None. Nothing is imported."""
        if (found := self._by_file.get(_fold(type_name))) is not None:
            return found
        return self._by_type.get(type_name)

    def types(self) -> list[str]:
        """The names of all its types, sorted. Nothing is imported."""
        return sorted(self._by_type)


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def snake_case(type_name: str) -> str:
    """A type's name in snake case, runs of capitals as one word: ROIPooling is roi_pooling."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type_name).lower()

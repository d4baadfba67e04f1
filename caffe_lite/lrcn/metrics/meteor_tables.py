"""The tables of METEOR 1.5 for English, from its jar in the package pycocoevalcap."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from caffe_lite.errors import CaffeError, DataError

# WordNet's endings of inflected forms, and those of their base forms. The first that gives a known
# word counts.
_ENDINGS = (
    ("s", ""),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
    ("es", "e"),
    ("es", ""),
    ("ed", "e"),
    ("ed", ""),
    ("ing", "e"),
    ("ing", ""),
    ("er", ""),
    ("est", ""),
    ("er", "e"),
    ("est", "e"),
)


@dataclass(frozen=True)
class MeteorTables:
    """`function_words` count less than others, `abbreviations` keep their full stop.

    `synsets` are WordNet's sets of synonyms: by word, their numbers, separated by spaces. `bases`
    are the base forms of irregular forms.
    """

    function_words: frozenset[str]
    abbreviations: frozenset[str]
    synsets: dict[str, str]
    bases: dict[str, list[str]]

    def synonym_sets(self, word: str) -> frozenset[str]:
        """The sets of synonyms that the word or its base forms belong to."""
        words = [word, *(self.bases.get(word) or [self._base(word)])]
        return frozenset(number for each in words for number in self.synsets.get(each, "").split())

    def _base(self, word: str) -> str:
        if word.endswith("ss") or len(word) <= 2:
            return word
        for ending, other in _ENDINGS:
            base = word.removesuffix(ending) + other
            if word.endswith(ending) and base in self.synsets:
                return base
        return word


@cache
def load_tables() -> MeteorTables:
    """The tables. Raises CaffeError without the package, DataError for a damaged jar."""
    path = _jar()
    try:
        with zipfile.ZipFile(path) as jar:
            function_words = _lines(jar, "function/english.words")
            prefixes = _lines(jar, "nonbreaking/english.prefixes")
            synsets = _lines(jar, "synonym/english.synsets")
            exceptions = _lines(jar, "synonym/english.exceptions")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read as METEOR 1.5: {error}") from None
    bases: dict[str, list[str]] = {}
    for base, forms in zip(exceptions[::2], exceptions[1::2], strict=False):
        for form in forms.split():
            bases.setdefault(form, []).append(base)
    return MeteorTables(
        frozenset(function_words),
        frozenset(each for each in prefixes if each.isalpha() and each.islower()),
        dict(zip(synsets[::2], synsets[1::2], strict=False)),
        bases,
    )


def _jar() -> Path:
    package = find_spec("pycocoevalcap")
    if package is None or not package.submodule_search_locations:
        raise CaffeError(
            "METEOR needs the package pycocoevalcap, which is not installed: "
            'pip install "caffe_lite[meteor]"'
        )
    return Path(package.submodule_search_locations[0]) / "meteor" / "meteor-1.5.jar"


def _lines(jar: zipfile.ZipFile, name: str) -> list[str]:
    return jar.read(name).decode().splitlines()

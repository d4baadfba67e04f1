"""Reads the part of YAML that `param_str` of R-CNN's nets is written in.

    'feat_stride': 16
    'scales': !!python/tuple [4, 8, 16, 32]

Lines are `key: value`, or the whole is one `{key: value, ...}`. A value is a number, true or false,
null, a string with or without quotes, or a list `[a, b]` or `(a, b)` of values. A list may have the
tag !!python/tuple; other tags, which could make any object, are refused.
"""

import re
from collections.abc import Iterator
from typing import Any

from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import shorten

_TOKEN = re.compile(
    r"""[ \t\r]*(?:\#[^\n]*)?(?:
        (?P<quoted>"[^"\n]*"|'[^'\n]*')
        | (?P<tag>!\S+)
        | (?P<mark>[\[\](){},:\n])
        | (?P<word>[^\s\[\](){},:\#"'!][^\[\](){},:\#\n]*)
    )""",
    re.VERBOSE,
)
_WORDS = {"true": True, "yes": True, "false": False, "no": False, "null": None, "none": None}
_CLOSING = {"[": "]", "(": ")"}
_END = ("end", "")
_DEEPEST = 8


def read_param_str(text: str) -> dict[str, Any]:
    """The settings in a `param_str`, {} for an empty one. Raises DataError for anything else."""
    return _Reader(text).settings()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text.strip() + "\n"))
        self._next = 0

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._fail(f'"{shorten(text[position:])}" is not understood')
            position = found.end()
            kind = str(found.lastgroup)
            yield kind, found[kind].strip(" \t\r")

    def _fail(self, reason: str) -> DataError:
        return DataError(f'param_str "{shorten(self._text)}": {reason}')

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else _END

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _skip(self, *marks: str) -> None:
        while self._peek() in [("mark", mark) for mark in marks]:
            self._next += 1

    def settings(self) -> dict[str, Any]:
        """All pairs of key and value."""
        braces = self._peek() == ("mark", "{")
        between = (",", "\n") if braces else ("\n",)
        if braces:
            self._take()
        found: dict[str, Any] = {}
        self._skip(*between)
        while self._peek() not in (_END, ("mark", "}")):
            key = self._key()
            if key in found:
                raise self._fail(f'"{shorten(key)}" is given twice')
            found[key] = self._value()
            if self._peek() not in [_END, ("mark", "}"), *(("mark", mark) for mark in between)]:
                raise self._fail(f'a new line must follow the value of "{shorten(key)}"')
            self._skip(*between)
        if braces and self._take() != ("mark", "}"):
            raise self._fail("a } is missing")
        self._skip("\n")
        if self._peek() != _END:
            raise self._fail(f'"{self._peek()[1]}" was not expected')
        return found

    def _key(self) -> str:
        kind, text = self._take()
        if kind not in ("quoted", "word") or self._take() != ("mark", ":"):
            raise self._fail('lines must be written as "key: value"')
        return text[1:-1] if kind == "quoted" else text

    def _value(self, depth: int = 0) -> Any:
        kind, text = self._take()
        if kind == "tag":
            if text != "!!python/tuple" or self._peek()[1] not in _CLOSING:
                raise self._fail(f'the tag "{shorten(text)}" is refused')
            kind, text = self._take()
        if kind == "quoted":
            return text[1:-1]
        if kind == "word":
            return _scalar(text)
        if kind == "mark" and text in _CLOSING:
            if depth == _DEEPEST:
                raise self._fail(f"lists are nested more than {_DEEPEST} deep")
            return self._list(_CLOSING[text], depth + 1)
        raise self._fail("a value is missing")

    def _list(self, closing: str, depth: int) -> list[Any]:
        values = []
        while self._peek() != ("mark", closing):
            values.append(self._value(depth))
            if self._peek() == ("mark", ","):
                self._take()
            elif self._peek() != ("mark", closing):
                raise self._fail(f"a {closing} is missing")
        self._take()
        return values


def _scalar(word: str) -> Any:
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    for convert in (int, float):
        try:
            return convert(word)
        except ValueError:
            continue
    return word

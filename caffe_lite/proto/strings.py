"""Quoted strings of text format, with the escapes of C."""

import re

from caffe_lite.proto.tokens import Tokens

_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))",
    re.DOTALL,
)
_LETTERS = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b"?": b"?",
    b"'": b"'",
    b'"': b'"',
}
_WRITTEN = {byte: chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in range(256)}
_WRITTEN |= {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}


def unescape(tokens: Tokens, start: int, written: str) -> bytes:
    """The bytes of the string token `written` at `start`, and of the string tokens after it.

    `tokens` is positioned after `written`; adjacent strings are one string, as in C.
    """
    parts = [_unescape_one(tokens, start, written)]
    while tokens.kind == "string":
        parts.append(_unescape_one(tokens, tokens.start, tokens.value))
        tokens.advance()
    return b"".join(parts)


def _unescape_one(tokens: Tokens, start: int, written: str) -> bytes:
    def replace(found: re.Match[bytes]) -> bytes:
        octal, hexadecimal, short, long, letter = found.groups()
        if octal:
            return bytes([int(octal, 8) & 0xFF])
        if hexadecimal:
            return bytes([int(hexadecimal, 16)])
        try:
            if short or long:
                return chr(int(short or long, 16)).encode()
            return _LETTERS[letter]
        except (KeyError, ValueError, OverflowError):
            shown = found[0].decode("utf-8", "replace")
            raise tokens.error(f"unknown escape {shown} in the string", start) from None

    return _ESCAPE.sub(replace, written[1:-1].encode("utf-8", "surrogateescape"))


def escape(value: bytes) -> str:
    """`value` between double quotes, all but printable ASCII escaped."""
    return '"' + "".join([_WRITTEN[byte] for byte in value]) + '"'

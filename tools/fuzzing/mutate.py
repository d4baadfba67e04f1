"""Mutations of bytes: flips, limits of integers, pieces moved, repeated and spliced."""

import random
import re
from collections.abc import Sequence

_NUMBERS = [0, 1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536]
_NUMBERS += [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
_DIGITS = re.compile(rb"[0-9]+")
_WORDS = [b"-1", b"1e400", b"nan", b"inf", b"9" * 40, b"9" * 5000, b"0x", b"\0", b"\xff\xfe", b'"']
_WORDS += [b"{", b"}", b"\n", b" ", b"\\", b"#", b"'", b"\xe2\x82", b"../" * 40]


def mutated(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """`data` with one to some ten mutations; about as long as it was."""
    content = bytearray(data)
    limit = 2 * len(data) + 8192
    count = 1
    while rng.random() < 0.5 and count < 12:
        count += 1
    for _ in range(count):
        rng.choice(_MUTATIONS)(content, rng, seeds)
    return bytes(content[:limit])


def _place(content: bytearray, rng: random.Random) -> int:
    return rng.randrange(len(content)) if content else 0


def _span(content: bytearray, rng: random.Random) -> slice:
    start = _place(content, rng)
    return slice(start, start + 1 + int(rng.expovariate(1 / 16)))


def _flip(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    if content:
        content[_place(content, rng)] ^= 1 << rng.randrange(8)


def _byte(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    if content:
        content[_place(content, rng)] = rng.choice([0, 255, 127, 128, rng.randrange(256)])


def _integer(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    width = rng.choice([1, 2, 4, 8])
    number = rng.choice(_NUMBERS) % 256**width
    start = _place(content, rng)
    content[start : start + width] = number.to_bytes(width, rng.choice(["little", "big"]))


def _varint(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    number, out = rng.choice(_NUMBERS), bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    start = _place(content, rng)
    content[start : start + rng.choice([1, 2, len(out)])] = [*out, number]


def _digits(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    found = _DIGITS.search(content, _place(content, rng))
    if found:
        number = rng.choice([b"-", b""]) + b"%d" % rng.choice(_NUMBERS)
        content[slice(*found.span())] = number


def _word(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    start = _place(content, rng)
    content[start:start] = rng.choice(_WORDS)


def _delete(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    del content[_span(content, rng)]


def _cut(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    del content[_place(content, rng) :]


def _repeat(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    span = _span(content, rng)
    times = rng.choice([1, 2, 3, 10, 100])
    content[span.start : span.start] = content[span] * times


def _move(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    part = content[_span(content, rng)]
    start = _place(content, rng)
    content[start : start + len(part)] = part


def _splice(content: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    other = bytearray(rng.choice(seeds))
    part = other[_span(other, rng)] if rng.random() < 0.7 else other[_place(other, rng) :]
    start = _place(content, rng)
    content[start : start + rng.choice([0, len(part)])] = part


_MUTATIONS = [_flip, _flip, _byte, _integer, _varint, _digits, _word, _delete, _cut, _repeat]
_MUTATIONS += [_move, _splice]

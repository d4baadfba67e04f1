"""LRCN's vocabulary files, and sentences as the word ids that its nets read."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from caffe_lite.data.caption_streams import END
from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.lrcn.combining import match_marks_as_letters
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath, read_input
from caffe_lite.proto.foreign import foreign

END_NAME = "<EOS>"
UNKNOWN = "<unk>"

_SEPARATORS = re.compile(r"(\W+)")
_WORD = re.compile(r"\S+|\W+")


def split_sentence(sentence: str) -> list[str]:
    """Split a sentence as LRCN's data has it: lower-case words, and runs of punctuation as words.

    A full stop at the end is dropped: `A dog's ball.` gives a, dog, ', s, ball. A run may contain
    spaces, such as the comma and quotation mark in `It says, "Go"`. Characters are composed first
    (Unicode NFC), so an é of two code points is the same letter as one of one.
    """
    line = unicodedata.normalize("NFC", " ".join(sentence.splitlines()))
    pieces = match_marks_as_letters(line, _SEPARATORS.split)
    words = [word.strip().lower() for word in pieces if word.strip()]
    return words[:-1] if words[-1:] == ["."] else words


class Vocabulary:
    """Words and their ids: `words[i - 1]` has id i; id 0, <EOS>, begins and ends every sentence.

    `source` names the vocabulary in errors. Raises DataError for a word that is empty, occurs twice
    or contains white space; only runs of punctuation may contain it.
    """

    def __init__(self, words: Iterable[str], source: StrPath = "vocabulary") -> None:
        self.source = os.fspath(source)
        self.words = tuple(words)
        self.ids: dict[str, int] = {}
        for i, word in enumerate(self.words, 1):
            if not _WORD.fullmatch(word) or word.strip() != word or len(word.splitlines()) != 1:
                raise DataError(f"{self.source}:{i}: one word a line is expected, got {word!r}")
            if word in self.ids:
                raise DataError(
                    f'{self.source}:{i}: "{word}" is there already, in line '
                    f"{self.ids[word]}; list each word once"
                )
            self.ids[word] = i
        if END_NAME in self.ids:
            raise DataError(
                f"{self.source}:{self.ids[END_NAME]}: {END_NAME} has id 0 without "
                "being listed; remove this line"
            )

    def __len__(self) -> int:
        """The number of ids, <EOS> included: the size that a net's word layers need."""
        return len(self.words) + 1

    @classmethod
    def read(cls, path: StrPath) -> Vocabulary:
        """Read a file of one word per line; line i (from 1) is word i."""
        name = os.fspath(path)
        content = read_input(path, lambda reason: DataError(f"{name}: {reason}"))
        expected = "a text file (UTF-8) with one word per line is expected"
        with foreign(lambda _: DataError(f"{name}: not a vocabulary: {expected}")):
            lines = io.StringIO(content.decode("utf-8-sig"), newline=None).read().split("\n")
        if lines[-1] == "":
            lines.pop()
        if not lines:
            raise DataError(f"{name}: the vocabulary is empty; one word per line is expected")
        return cls((line.strip() for line in lines), name)

    def write(self, path: StrPath) -> None:
        """Write the words, one per line."""
        with atomic_path(path) as partial:
            partial.write_text("".join(f"{word}\n" for word in self.words), encoding="utf-8")

    def encode(self, sentence: str | Sequence[str], unknown: str | None = None) -> list[int]:
        """The ids of a sentence's words, without <EOS>; a string is split by `split_sentence`.

        A word that is not in the vocabulary is replaced by `unknown` (such as "<unk>"), or raises
        DataError if that is None.
        """
        words = split_sentence(sentence) if isinstance(sentence, str) else sentence
        ids = [self.ids.get(word) for word in words]
        if None in ids:
            word = words[ids.index(None)]
            if unknown is None:
                raise DataError(
                    f'"{word}" is not among the {len(self.words)} words of '
                    f"{self.source}{did_you_mean(word, self.ids)}"
                )
            if unknown not in self.ids:
                raise DataError(
                    f'{self.source} has no "{unknown}" to replace "{word}", which is not in it '
                    "either"
                )
        return [self.ids[unknown or ""] if i is None else i for i in ids]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of `ids` up to the first <EOS>. Raises DataError for an id out of range."""
        words = []
        for i in ids:
            if i == END:
                break
            if not 0 < i < len(self):
                raise DataError(f"{self.source}: word ids are 0 ... {len(self.words)}, got {i}")
            words.append(self.words[i - 1])
        return words

    def sentence(self, ids: Iterable[int]) -> str:
        """The words of `ids` up to the first <EOS>, as one string."""
        return " ".join(self.decode(ids))

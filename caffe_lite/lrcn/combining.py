"""Combining marks as letters: to `re` the accent of a decomposed é is not part of a word."""

import unicodedata
from collections.abc import Callable

_FIRST_LETTER = 0x20000  # ideographs, which match \w, replace the marks


def match_marks_as_letters(text: str, split: Callable[[str], list[str]]) -> list[str]:
    """`split(text)`, with each combining mark treated as a letter of the word before it.

    The marks are replaced by letters that `text` does not contain before the split, and put back in
    the strings that it returns.
    """
    marks = {each for each in text if unicodedata.category(each)[0] == "M"}
    if not marks:
        return split(text)
    letters = (chr(i) for i in range(_FIRST_LETTER, _FIRST_LETTER + 2 * len(text) + 2))
    free = (letter for letter in letters if letter not in text)
    to_letter = dict(zip(sorted(marks), free, strict=False))
    hide = str.maketrans(to_letter)
    restore = str.maketrans({letter: mark for mark, letter in to_letter.items()})
    return [piece.translate(restore) for piece in split(text.translate(hide))]

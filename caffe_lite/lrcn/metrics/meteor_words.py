"""Words as METEOR 1.5 splits them with -norm: compounds and clitics apart, acronyms joined."""

import re
from collections.abc import Container

_ACRONYM = re.compile(r"(?<!\S)(?:[a-z]{1,2}\.)+[a-z]{1,2}\.?(?!\S)")
_LETTER = r"[a-zß-öø-ÿа-яё]"
_WORD = r"[a-z0-9ß-öø-ÿа-яё]"
_RULES = (
    (re.compile(rf"({_WORD})-({_WORD})"), r"\1 \2"),
    (re.compile(r"([^a-z0-9ß-öø-ÿа-яё\s.'`,-])"), r" \1 "),
    (re.compile(r"(?<![0-9]),|,(?![0-9])"), " , "),
)
_APOSTROPHE = re.compile("'")


def meteor_words(text: str, abbreviations: Container[str]) -> list[str]:
    """The words of a caption, tokenized as for the other scores, in METEOR's own form.

    `abbreviations` keep their full stop before any word.
    """
    text = _ACRONYM.sub(lambda match: match[0].replace(".", ""), text.lower())
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    split = _APOSTROPHE.sub(_apart, text).split()
    words: list[str] = []
    for word, following in zip(split, [*split[1:], ""], strict=False):
        stem = word.removesuffix(".")
        is_end = word != stem and stem and "." not in stem and stem not in abbreviations
        # A full stop before a word is that of an abbreviation.
        words += [stem, "."] if is_end and not following[:1].isalpha() else [word]
    return words


def _apart(match: re.Match[str]) -> str:
    """Within a word the apostrophe stays with what follows, elsewhere it is a word."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    return " '" if _is_letter(before) and _is_letter(after) else " ' "


def _is_letter(character: str) -> bool:
    return re.fullmatch(_LETTER, character) is not None

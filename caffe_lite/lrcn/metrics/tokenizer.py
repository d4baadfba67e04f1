"""Captions to words, as the COCO caption evaluation splits them with Stanford's PTBTokenizer."""

import re

from caffe_lite.lrcn.combining import match_marks_as_letters

# Dropped by the evaluation. Brackets are lower-cased first there, so its list does not match them.
_DROPPED = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
_REPLACED = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "£": "#",
    "€": "$",
    "¢": "cents",
}
_SPLIT = {
    "cannot": "can not",
    "gonna": "gon na",
    "gotta": "got ta",
    "wanna": "wan na",
    "gimme": "gim me",
    "lemme": "lem me",
    "'tis": "'t is",
    "'twas": "'t was",
}
_CHARACTERS = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "‛": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‹": "'",
        "›": "'",
        "‐": "-",
        "‑": "-",
        "–": " -- ",
        "—": " -- ",
        "…": " ... ",
        "½": " ½ ",
        "¼": " ¼ ",
        "¾": " ¾ ",
        "\u00ad": "",  # soft hyphen
        "\u200b": " ",  # zero-width space
    }
)
_XML = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}

_EMOJI = "\U0001f000", "\U0001ffff"  # what the Java tokenizer deletes

# Abbreviations keep their full stop; those of the second list only before a number.
_ABBREVIATIONS = """
adj adm adv al ala alex apr ariz assoc atty aug ave bhd blvd brig bros calif capt cf cie cmdr co
col colo conn corp cos cpl ct dak dec dept det dr drs elec ens esq est etc ext feb fla fri ft ga
gen gov hon inc ind insp intl invt jan jos jr jul jun kan ky lt ltd maj mar md messrs mfg mich minn
mlle mme mo mon mr mrs ms mt mtg natl neb nev nov oct okla penn pfc ph plc pres prof pte pty pvt rd
rep reps rev rt sen sens sep sept seq sfc sgt spc sq sr st ste supt sys tel tenn thu thurs tue tues
univ va vs vt wed wis wisc wm wyo
"""
_BEFORE_NUMBER = "art ca fig figs no nos op pp prop"
# A letter before one of these ends a sentence: `track B. The train`.
_STARTERS = """
A About According After An As At But Earlier He Her Here However If In It Last Many More Now Once
One Other Our She Since So Some Such That The Their Then There These They This We What When While
Yet You
"""

_LETTER, _ALNUM = r"[^\W\d_]", r"[^\W_]"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_WORD = rf"{_LETTER}\w*(?:[.!?]{_LETTER}\w*)*"
_CLITIC = rf"'(?:s|d|m|re|ve|ll)(?!{_LETTER})"
_PIECE = rf"(?:{_NUMBER}(?!\w)|\w+)"

# The first alternative that matches wins, so longer and rarer patterns come first.
_TOKEN = re.compile(
    "|".join(
        (
            r"(?:https?://|www\.)[^\s<>\"|()]*[^\s<>\"|.!?(){},-]",
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]+",
            r"</?[a-z][^<>\s]*>",
            rf"[<>]?[:;=][-o*']?[()dpo\\{{@|\[\]](?!{_ALNUM})|[-^]_[-^]",
            rf"[cf]#(?!{_ALNUM})|c\+\+|us\$",
            rf"[#@]{_LETTER}\w*",
            r"(?-i:[A-Z]+(?:[+&][A-Z]+)+)",
            rf"(?:ph|{_LETTER})(?:\.{_LETTER})+\.(?!{_ALNUM})(?:-{_PIECE})*",
            rf"(?:{'|'.join(_ABBREVIATIONS.split())})\.(?!{_LETTER})",
            rf"{_LETTER}\.(?!{_LETTER}| (?-i:{'|'.join(_STARTERS.split())}) )",
            rf"(?:{'|'.join(_BEFORE_NUMBER.split())})\.(?=\s*\d)",
            r"ma'am(?!\w)|c'mon(?!\w)|ol'(?!\w)|'n'|'(?:n|em|til|cause|tis|twas)(?!\w)|(?<!\w)'\d\ds?(?=\s)|'[2-9]0s(?!\w)",
            rf"[dlo](?!{_CLITIC}|'n(?!\w))'{_LETTER}+|[yj](?!{_CLITIC})'(?={_LETTER})",
            rf"n't(?!{_LETTER})|{_CLITIC}",
            rf"{_LETTER}+?(?=n't(?!{_LETTER}))",
            rf"[-+]?{_NUMBER}(?:[-/]{_PIECE})+",
            rf"(?:{_WORD}|\d+{_LETTER}\w*)(?:[-/]{_PIECE})*",
            rf"[-+]?(?:{_NUMBER}|[.,:]\d+(?:[.,:]\d+)*)",
            r"[!?]+|\*+|_+|-+|\.\.\.|''|``|\S",
        )
    ),
    re.IGNORECASE,
)


def tokenize(caption: str) -> list[str]:
    """The caption's words in lower case, without punctuation: `A dog isn't.` -> a, dog, is, n't.

    Contractions are split and abbreviations keep their full stop. Equal to PTBTokenizer on
    captions as people write them, but not on its rarer patterns, such as telephone numbers in
    brackets.
    """
    text = caption.translate(_CHARACTERS)
    for name, character in _XML.items():
        text = text.replace(name, character)
    words: list[str] = []
    for token in match_marks_as_letters(text, _TOKEN.findall):
        word = _REPLACED.get(token) or token.lower()
        if token[0] in "<>:;=" and len(token) > 1 and token[-1] in _REPLACED:
            word = word[:-1] + _REPLACED[token[-1]]  # a smiley
        if word in _SPLIT:
            words += _SPLIT[word].split()
        elif word not in _DROPPED and word != '"' and word.strip("-"):
            words += [] if _EMOJI[0] <= word < _EMOJI[1] else [word]
    return words

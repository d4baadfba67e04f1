"""The command line as gflags reads it: glog's flags anywhere, options before the command.

caffe_lite --logtostderr -minloglevel=1 -solver solver.prototxt train
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from caffe_lite.errors import UsageError

# Of glog's flags, those of which the log takes notice; see cli/log.py.
USED = {"minloglevel": "value", "v": "value", "log_prefix": "bool", "log_year_in_prefix": "bool"}
# The log always goes to stderr, and is flushed after each line.
_WITHOUT_EFFECT = {
    "logtostderr": "bool",
    "alsologtostderr": "bool",
    "colorlogtostderr": "bool",
    "stop_logging_if_full_disk": "bool",
    "symbolize_stacktrace": "bool",
    "drop_log_memory": "bool",
    "stderrthreshold": "value",
    "logbuflevel": "value",
    "logbufsecs": "value",
    "log_link": "value",
    "log_backtrace_at": "value",
    "max_log_size": "value",
    "vmodule": "value",
    "alsologtoemail": "value",
    "logemaillevel": "value",
    "logmailer": "value",
}
_KINDS = {**USED, **_WITHOUT_EFFECT}
_FALSE = ("0", "false", "f", "no", "n")
_TRUE = ("1", "true", "t", "yes", "y")


def take_log_flags(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Split a command line into the words that are not flags of glog, and glog's settings.

    A boolean flag is `--name`, `--noname` or `--name=false`, and its setting "1" or "0". Raises
    UsageError for a flag without its value.
    """
    rest: list[str] = []
    settings: dict[str, str] = {}
    i = 0
    while i < len(words):
        word = words[i]
        i += 1
        if word == "--":
            return [*rest, *words[i - 1 :]], settings
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        kind = _KINDS.get(name, "") if word.startswith("-") else ""
        if not kind and word.startswith("-") and _KINDS.get(name.removeprefix("no")) == "bool":
            settings[name.removeprefix("no")] = "0"
        elif kind == "bool":
            settings[name] = "0" if value.lower() in _FALSE else "1"
        elif kind == "value":
            if not equals:
                if i == len(words):
                    raise UsageError(f"{word} needs a value: {word}=1")
                value, i = words[i], i + 1
            settings[name] = value
        else:
            rest.append(word)
    return rest, {name: value for name, value in settings.items() if name in USED}


def plain_booleans(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """The words with the flags of `parser` that take no value as `--flag`, or not at all.

    gflags also reads `--flag=true`, `--flag=false` and `--noflag`.
    """
    known = parser._option_string_actions
    plain: list[str] = []
    for i, word in enumerate(words):
        if word == "--":
            return [*plain, *words[i:]]
        option, equals, value = word.partition("=")
        switches = option in known and known[option].nargs == 0
        opposite = known.get("--" + option.removeprefix("--no"))
        if switches and equals and value.lower() in (*_FALSE, *_TRUE):
            plain += [] if value.lower() in _FALSE else [option]
        elif option in known or not option.startswith("--no") or opposite is None:
            plain.append(word)
        elif opposite.nargs != 0 or equals:
            plain.append(word)
    return plain


def command_first(
    words: Sequence[str], commands: Mapping[str, argparse.ArgumentParser]
) -> list[str]:
    """The words with the command first, where options stand before it.

    The command is the first word that names one and is not the value of an option of that command:
    in `-weights train test` it is test.
    """
    for i, word in enumerate(words):
        if word == "--":
            break
        if word in commands and _are_options(words[:i], commands[word]):
            return [word, *words[:i], *words[i + 1 :]]
    return list(words)


def positionals_first(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """The words with those that belong to no option before the options.

    gflags lets both alternate; argparse does not, where a positional argument is optional.
    """
    if "--" in words:
        return list(words)
    known = parser._option_string_actions
    positionals: list[str] = []
    options: list[str] = []
    i = 0
    while i < len(words):
        option, equals, _ = words[i].partition("=")
        if option not in known:
            positionals.append(words[i])
            i += 1
            continue
        last = i + 1 if equals else i + 1 + _values(words[i + 1 :], known, known[option].nargs)
        options += words[i:last]
        i = last
    return [*positionals, *options]


def _values(words: Sequence[str], known: Mapping[str, object], nargs: int | str | None) -> int:
    """How many of the words are values of the option before them."""
    if isinstance(nargs, int) or nargs is None:
        return 1 if nargs is None else nargs
    count = 0
    while count < len(words) and words[count].partition("=")[0] not in known:
        count += 1
    return min(count, 1) if nargs == "?" else count


def _are_options(words: Sequence[str], parser: argparse.ArgumentParser) -> bool:
    """Whether `words` are whole options of `parser`, each with its value."""
    known = parser._option_string_actions  # argparse has no public list of them
    i = 0
    while i < len(words):
        option, equals, _ = words[i].partition("=")
        if option not in known:
            return False
        i += 1 if equals or known[option].nargs == 0 else 2
    return i == len(words)

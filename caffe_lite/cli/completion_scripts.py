"""Scripts that complete a command line in bash, zsh and fish.

Where a value is not one of a few words, files are offered.
"""

from __future__ import annotations

import re
from shlex import quote

from caffe_lite.cli.completion_tree import Command, Option

PROGRAM = "caffe_lite"


def bash(tree: Command) -> str:
    """A function for bash's `complete`; an empty answer lets bash offer files."""
    places, words = [], []
    for command in tree.all():
        path = " ".join(command.path)
        for each in command.commands:
            places.append(f"            {quote(f'{path}|{each.path[-1]}')}) ;;")
        values = []
        for option in (o for o in command.options if o.takes_value):
            names = "|".join(option.names)
            values.append(f"                {names}) words={quote(' '.join(option.choices))} ;;")
        flags = " ".join(name for option in command.options for name in option.names)
        first = " ".join(each.path[-1] for each in command.commands) or " ".join(
            choice for argument in command.arguments for choice in argument.choices
        )
        words += [
            f"        {quote(path)})",
            '            case "$previous" in',
            *values,
            f'                *) words={quote(first)}; [[ "$current" == -* ]] && '
            f"words={quote(flags)} ;;",
            "            esac ;;",
        ]
    return "\n".join(
        [
            f"_{PROGRAM}() {{",
            '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
            '    local path="" words="" word',
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            '        case "$path|$word" in',
            *places,
            "            *) break ;;",
            "        esac",
            '        path="${path:+$path }$word"',
            "    done",
            '    case "$path" in',
            *words,
            "    esac",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            f"complete -o default -o bashdefault -F _{PROGRAM} {PROGRAM}",
            "",
        ]
    )


def zsh(tree: Command) -> str:
    """A function for each command, which describes itself to zsh's `_arguments`."""
    lines = [f"#compdef {PROGRAM}"]
    for command in reversed(list(tree.all())):
        lines += ["", f"{_function(command)}() {{"]
        specs = [spec for option in command.options for spec in _zsh_option(option)]
        if command.commands:
            specs += [quote("1:command:->command"), quote("*::argument:->argument")]
        else:
            specs += [_zsh_argument(each, i) for i, each in enumerate(command.arguments, 1)]
        lines.append("    local curcontext=$curcontext state line; typeset -A opt_args")
        lines.append("    _arguments -C \\")
        lines += [f"        {spec} \\" for spec in specs[:-1]] + [f"        {specs[-1]}"]
        if command.commands:
            lines += ["    case $state in", "        command)", "            local -a commands=("]
            for each in command.commands:
                entry = f"{_escaped(each.path[-1])}:{each.help}"
                lines.append(f"                {quote(entry)}")
            lines += ["            )", "            _describe command commands ;;"]
            lines += ["        argument)", "            case $words[1] in"]
            for each in command.commands:
                lines.append(f"                {each.path[-1]}) {_function(each)} ;;")
            lines += ["            esac ;;", "    esac"]
        lines.append("}")
    lines += [
        "",
        "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then",
        f'    _{PROGRAM} "$@"',
        "else",
        f"    compdef _{PROGRAM} {PROGRAM}",
        "fi",
        "",
    ]
    return "\n".join(lines)


def _function(command: Command) -> str:
    return "_".join((f"_{PROGRAM}", *command.path)).replace("-", "_")


def _escaped(text: str) -> str:
    """Text in which zsh's `_arguments` sees no brackets and colons of its own."""
    return re.sub(r"([\\:\[\]])", r"\\\1", text)


def _zsh_values(option: Option) -> str:
    if option.choices:
        return "(" + " ".join(_escaped(choice) for choice in option.choices) + ")"
    return "_files"


def _zsh_option(option: Option) -> list[str]:
    star = "*" if option.repeats else ""
    value = f":value:{_zsh_values(option)}" if option.takes_value else ""
    return [
        quote(
            f"{star}{name}{'=' if value and name.startswith('--') else ''}"
            f"[{_escaped(option.help)}]{value}"
        )
        for name in option.names
    ]


def _zsh_argument(argument: Option, place: int) -> str:
    number = "*" if argument.repeats else str(place)
    return quote(f"{number}:{_escaped(argument.help) or 'argument'}:{_zsh_values(argument)}")


def fish(tree: Command) -> str:
    """A `complete` line for each word, under the condition that the line begins with its path."""
    lines = [
        f"function __{PROGRAM}_at",
        "    set -l words (commandline -opc)[2..-1]",
        "    test (count $words) -ge (count $argv); or return 1",
        "    for i in (seq (count $argv))",
        '        test "$words[$i]" = "$argv[$i]"; or return 1',
        "    end",
        "end",
        f"function __{PROGRAM}_next",
        "    test (count (commandline -opc)) -eq (math (count $argv) + 1)",
        f"    and __{PROGRAM}_at $argv",
        "end",
    ]
    for command in tree.all():
        path = " ".join(command.path)
        start = f"complete -c {PROGRAM} -n "
        here = start + _fish(f"__{PROGRAM}_at {path}".rstrip())
        following = start + _fish(f"__{PROGRAM}_next {path}".rstrip())
        for each in command.commands:
            lines.append(f"{following} -f -a {each.path[-1]} -d {_fish(each.help)}")
        for argument in command.arguments:
            if argument.choices:
                lines.append(f"{following} -f -a {_fish(' '.join(argument.choices))}")
        for option in command.options if command.path else ():
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in option.names
            )
            value = " -r" if option.takes_value else ""
            if option.choices:
                value = f" -x -a {_fish(' '.join(option.choices))}"
            lines.append(f"{here} {names}{value} -d {_fish(option.help)}")
    return "\n".join(lines) + "\n"


def _fish(text: str) -> str:
    """Text in fish's single quotes, in which only \\ and ' are special."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

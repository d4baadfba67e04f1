"""What can be completed, read from the parser: commands, their tasks, options and values."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from caffe_lite.cli.commands import Parser


@dataclass(frozen=True)
class Option:
    """An option or, without `names`, an argument; `choices` are its values if they are known."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]
    repeats: bool = False


@dataclass(frozen=True)
class Command:
    """A command below `path`, its words; `commands` are its tasks."""

    path: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]
    commands: tuple[Command, ...]

    def all(self) -> Iterator[Command]:
        """This command and all below it."""
        yield self
        for each in self.commands:
            yield from each.all()


def read_tree(parser: Parser, path: tuple[str, ...] = ()) -> Command:
    """The commands of a parser. Options whose help is suppressed are left out."""
    options: list[Option] = []
    arguments: list[Option] = []
    for action in parser._actions:  # argparse has no public list of them
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        each = Option(
            tuple(action.option_strings),
            " ".join((action.help or "").replace("%%", "%").split()),
            action.nargs != 0,
            tuple(str(choice) for choice in action.choices or ()),
            action.nargs in ("*", "+") or isinstance(action, argparse._AppendAction),
        )
        (options if each.names else arguments).append(each)
    return Command(
        path,
        (parser.description or "").partition("\n")[0],
        tuple(options),
        tuple(arguments),
        tuple(read_tree(task, (*path, name)) for name, task in parser.tasks.items()),
    )

"""The commands and their parser; unknown words are answered with the nearest known one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from caffe_lite import __version__
from caffe_lite.cli.gflags import command_first, plain_booleans, positionals_first, take_log_flags
from caffe_lite.errors import UsageError, did_you_mean

# In the order of the help; `classify-video` is the module cli/classify_video.py, and so on.
COMMANDS = (
    "fit",
    "train",
    "test",
    "time",
    "summary",
    "gradcheck",
    "explain",
    "board",
    "draw",
    "convert_imageset",
    "convert_mnist_data",
    "convert_cifar_data",
    "compute_image_mean",
    "extract_features",
    "parse_log",
    "plot",
    "upgrade",
    "deploy",
    "export",
    "convert",
    "import",
    "layers",
    "device_query",
    "demo",
    "prepare",
    "caption",
    "retrieve",
    "score",
    "verify",
    "classify",
    "detect",
    "classify-video",
    "lrcn",
    "completion",
)

# Commands whose names Python does not allow for modules.
_MODULES = {"import": "import_weights"}

# Other spellings of commands, and by command the tasks of earlier versions that are now tasks of
# `prepare`.
_ALIASES = {
    "classify_video": "classify-video",
    "device-query": "device_query",
}
_FORMER_TASKS = {
    "dataset": {
        "digits": "digits",
        "moving_digits": "moving_digits",
        "ssd_digits": "ssd_digits",
    },
    "video": {"frames": "videos", "flow": "flow", "lists": "lists"},
    "captions": {"prepare": "captions"},
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says where help is."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)
        self.tasks: dict[str, Parser] = {}

    def add_tasks(self, dest: str, metavar: str) -> None:
        """Take subcommands, which `add_task` adds; `dest` is the attribute for the one chosen."""
        self._choices = self.add_subparsers(dest=dest, metavar=metavar, required=True)

    def add_task(self, name: str, doc: str, run: Callable[..., Any] | None) -> Parser:
        """Add a subcommand and return its parser.

        `doc` is its help, whose first line the list of subcommands shows. `run` is called with the
        parsed arguments, unless the subcommand has subcommands of its own.
        """
        task = self._choices.add_parser(name, help=doc.partition("\n")[0], description=doc)
        task.set_defaults(run=run)
        self.tasks[name] = task
        return task

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def check_options(self, words: Sequence[str]) -> None:
        """Report the first unknown option, before anything that is missing because of it."""
        known = self._option_string_actions  # argparse has no public list of them
        for word in words:
            option = word.partition("=")[0]
            if option == "--":
                return
            if _is_option(option) and option not in known:
                hint = did_you_mean(option, (name for name in known if name.startswith("--")))
                self.error(f"unknown option {option}{hint}")


def build_parser() -> Parser:
    """The parser with all commands; each sets `run`, a function of the parsed arguments."""
    parser = Parser(
        prog="caffe_lite",
        description="Train, test and inspect Caffe nets. Options take one dash or two, and dashes "
        "or\nunderscores between words. Flags of glog (--minloglevel=1, --v=1, ...) and options\n"
        "before the command are read as by Caffe's tools.",
    )
    parser.add_argument("--version", action="version", version=f"caffe_lite {__version__}")
    parser.set_defaults(no_python_layers=False)
    parser.add_tasks("command", "COMMAND")
    for name in COMMANDS:
        module = import_module(f"caffe_lite.cli.{_MODULES.get(name, name).replace('-', '_')}")
        run = getattr(module, "run", None)  # `prepare` has subcommands instead
        command = parser.add_task(name, module.__doc__ or "", run)
        module.add_arguments(command)
    return parser


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The parsed command line. Exits with code 2 and one line for what is not understood."""
    root = parser = build_parser()
    words = _spelled(sys.argv[1:] if argv is None else argv)
    try:
        words, log_settings = take_log_flags(words)
    except UsageError as error:
        root.error(str(error))
    if "--version" in words[: words.index("--") if "--" in words else None]:
        words = ["--version"]
    spellings = {name: root.tasks[_ALIASES.get(name, name)] for name in (*root.tasks, *_ALIASES)}
    words = _current_names(command_first(words, spellings))
    depth = 0
    while parser.tasks and depth < len(words) and not _is_option(words[depth]):
        name = words[depth]
        if name not in parser.tasks:
            known = ", ".join(parser.tasks)
            hint = did_you_mean(name, parser.tasks) or f"; known are {known}"
            parser.error(f'unknown command "{name}"{hint}')
        parser, depth = parser.tasks[name], depth + 1
    words = words[:depth] + plain_booleans(words[depth:], parser)
    if words[:1] == ["classify"] and _only_known_to(root.tasks["classify-video"], parser, words):
        words[0], parser = "classify-video", root.tasks["classify-video"]
    words = words[:depth] + positionals_first(words[depth:], parser)
    parser.check_options(words[depth:])
    args, rest = root.parse_known_args(words)
    if rest:
        parser.error(f"unexpected argument {rest[0]}")
    args.command = " ".join(words[:depth])
    args.command_words = words[depth:]
    args.log_settings = log_settings
    return args


def _only_known_to(other: Parser, parser: Parser, words: Sequence[str]) -> bool:
    """Whether options among `words` are unknown to `parser`, all of which `other` has."""
    given = {word.partition("=")[0] for word in words if _is_option(word)}
    unknown = given - set(parser._option_string_actions)
    return bool(unknown) and unknown <= set(other._option_string_actions)


def _is_option(word: str) -> bool:
    """Whether argparse takes a word for an option. Negative numbers and phrases are not options."""
    return word.startswith("-") and word.lstrip("-")[:1].isalpha() and " " not in word


def _spelled(words: Sequence[str]) -> list[str]:
    """The words, options among them spelled as the help shows them: -log_dir=x is --log-dir=x."""
    spelled = list(words)
    for i, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == "--":
            break
        if _is_option(option) and len(option) > 2 and not option.startswith("---"):
            spelled[i] = f"--{option.lstrip('-').replace('_', '-')}{equals}{value}"
    return spelled


def _current_names(words: list[str]) -> list[str]:
    """The command line with today's names in place of earlier ones."""
    if not words:
        return words
    command, rest = words[0], words[1:]
    tasks = _FORMER_TASKS.get(command)
    if tasks is None:
        return [_ALIASES.get(command, command), *rest]
    for i, word in enumerate(rest):
        if word in tasks:  # earlier versions accepted options before the task
            return ["prepare", tasks[word], *rest[:i], *rest[i + 1 :]]
    return ["prepare", *rest]

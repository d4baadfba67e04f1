"""Print a script that completes commands, options and their values in a shell.

Put the script where the shell finds it, or evaluate it at the start of a shell:

    bash:  eval "$(caffe_lite completion bash)"    in ~/.bashrc
    zsh:   eval "$(caffe_lite completion zsh)"     in ~/.zshrc, after compinit
    fish:  caffe_lite completion fish > ~/.config/fish/completions/caffe_lite.fish
"""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that the script is for")


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.commands import build_parser
    from caffe_lite.cli.completion_scripts import bash, fish, zsh
    from caffe_lite.cli.completion_tree import read_tree

    script = {"bash": bash, "zsh": zsh, "fish": fish}[args.shell]
    print(script(read_tree(build_parser())), end="")
    return 0

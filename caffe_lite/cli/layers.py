"""List the layer types that a net can use, or print the page of one.

Types of installed plugins are listed with the built-in ones.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", nargs="?", metavar="TYPE",
                        help="the type to describe, as it stands after `type:` in a prototxt")


def run(args: argparse.Namespace) -> int:
    from caffe_lite.layers import describe
    from caffe_lite.layers.registry import layer_types

    if args.type:
        print(describe.page(args.type), end="")
        return 0
    names = layer_types()
    width = max(map(len, names))
    for name in names:
        print(f"{name:<{width}}  {describe.summary(name)}".rstrip())
    return 0

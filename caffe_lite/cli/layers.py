"""List the layer types that a net can use, or print the page of one.

Types of installed plugins are listed with the built-in ones.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "type",
        nargs="?",
        metavar="TYPE",
        help="the type to describe, as it stands after `type:` in a prototxt",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.errors import LayerError
    from caffe_lite.layers import describe
    from caffe_lite.layers.registry import layer_types

    if args.type:
        print(describe.page(args.type), end="")
        return 0
    names = layer_types()
    width = max(map(len, names))
    for name in names:
        try:
            summary = describe.summary(name)
        except LayerError as error:  # of a plugin, which leaves the others to be listed
            summary = f"NOT USABLE: {error}"
        print(f"{name:<{width}}  {summary}".rstrip())
    return 0

"""List the layer types that a net can use, or print the page of one.

Caffe's own types come first, then those of the forks of Caffe by family, then those of installed
plugins.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "type",
        nargs="?",
        metavar="TYPE",
        help="the type to describe, as a prototxt names it after `type:`",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.errors import LayerError
    from caffe_lite.layers import describe
    from caffe_lite.layers.registry import layer_sets, layer_types

    if args.type:
        print(describe.page(args.type), end="")
        return 0
    groups = [(layers.title, layers.types()) for layers in layer_sets()]
    shipped = {name for _, names in groups for name in names}
    groups.append(("Plugins", [name for name in layer_types() if name not in shipped]))
    width = max(map(len, layer_types()))
    for title, names in groups:
        if not names:
            continue
        print(f"{title}:")
        for name in names:
            try:
                summary = describe.summary(name)
            except LayerError as error:  # of a plugin; the others can still be listed
                summary = f"NOT USABLE: {error}"
            print(f"  {name:<{width}}  {summary}".rstrip())
    return 0

"""Prepare captioned images for LRCN's captioning nets.

caffe_lite captions prepare --annotations captions_train2014.json --images images/train2014 \\
    --out h5_data/buffer_100 --split train
caffe_lite captions prepare --annotations captions_val2014.json --images images/val2014 \\
    --out h5_data/buffer_100 --split val --vocabulary h5_data/buffer_100/vocabulary.txt

writes h5_data/buffer_100/train_aligned_20_batches/ with hdf5_chunk_list.txt for HDF5Data and
image_list.with_dummy_labels.txt for ImageData, whose batches of 100 images go with batches of
20 x 100 words, and train_unaligned_batches/ for the language model; the first call makes
vocabulary.txt. What is finished is kept when the command is given again.
"""

import argparse
import logging
import os
from pathlib import Path
from typing import Any

from caffe_lite.cli import options

log = logging.getLogger("caffe_lite.captions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", choices=("prepare",), help="prepare: write what the nets read")
    options.add_flag(
        parser,
        "annotations",
        required=True,
        metavar="JSON",
        help="captions in COCO's form: images (id, file_name), annotations (image_id, caption)",
    )
    options.add_flag(parser, "images", required=True, metavar="DIR", help="where the images are")
    options.add_flag(parser, "out", required=True, metavar="DIR", help="where to write")
    options.add_flag(
        parser,
        "split",
        default="train",
        metavar="NAME",
        help="what the data is called in the names of folders (default train)",
    )
    options.add_flag(
        parser, "ids", metavar="FILE", help="take these images only: one image id a line"
    )
    options.add_flag(
        parser,
        "vocabulary",
        metavar="FILE",
        help="use this vocabulary (default: make one from the captions)",
    )
    options.add_flag(
        parser,
        "min_count",
        type=options.positive,
        default=5,
        metavar="N",
        help="words that occur less often become <unk> (default 5)",
    )
    options.add_flag(
        parser,
        "buffer",
        type=options.positive,
        default=100,
        metavar="N",
        help="streams of sentences, and images a batch (default 100)",
    )
    options.add_flag(
        parser,
        "steps",
        type=options.positive,
        default=20,
        metavar="N",
        help="steps for a sentence and its end; longer ones are cut (default 20)",
    )
    options.add_flag(
        parser,
        "layout",
        choices=("aligned", "unaligned", "both"),
        default="both",
        help="aligned with images, back to back for a language model, or both",
    )
    options.add_flag(
        parser,
        "seed",
        type=options.natural,
        default=3,
        metavar="N",
        help="of the order of the sentences (default 3)",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.prepare.captions import write_split
    from caffe_lite.lrcn.prepare.coco import read_captions

    live = start_log()
    progress = Progress(live)
    images = _existing(read_captions(args.annotations, args.images, args.ids), args.images)
    if not any(image.sentences for image in images):
        raise DataError(
            f"{args.annotations}: no captioned images of it are in {args.images}; check both"
        )
    vocabulary = _vocabulary(args, images)
    log.info(
        "%d images, %d captions, %d words",
        len(images),
        sum(len(image.sentences) for image in images),
        len(vocabulary) - 1,
    )
    try:
        for layout in ("aligned", "unaligned") if args.layout == "both" else (args.layout,):
            folder = write_split(
                Path(args.out),
                args.split,
                images,
                vocabulary,
                buffer=args.buffer,
                steps=args.steps,
                seed=args.seed,
                is_aligned=layout == "aligned",
                report=progress.report,
            )
            print(folder)
    finally:
        live.finish()
    return 0


def _existing(images: list[Any], folder: str) -> list[Any]:
    """The images that are there; a warning counts the others."""
    there = [image for image in images if os.path.isfile(image.path)]
    missing = [image.path for image in images if not os.path.isfile(image.path)]
    if missing:
        log.warning(
            "%d of %d images are not in %s, the first of them %s; they are left out",
            len(missing),
            len(images),
            folder,
            missing[0],
        )
    return there


def _vocabulary(args: argparse.Namespace, images: list[Any]) -> Any:
    from caffe_lite.lrcn.prepare.coco import make_vocabulary
    from caffe_lite.lrcn.vocabulary import Vocabulary

    if args.vocabulary:
        return Vocabulary.read(args.vocabulary)
    path = Path(args.out) / "vocabulary.txt"
    made = make_vocabulary(images, args.min_count)
    if path.exists():
        found = Vocabulary.read(path)
        if found.words != made.words:
            from caffe_lite.errors import DataError

            raise DataError(
                f"{path}: is there already and was made from other captions; to use it "
                f"for these, give --vocabulary {path}"
            )
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    made.write(path)
    return made

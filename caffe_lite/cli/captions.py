"""Prepare captioned images for LRCN's captioning nets.

caffe_lite prepare captions --annotations captions_train2014.json --images images/train2014 \\
    --out h5_data/buffer_100 --split train
caffe_lite prepare captions --annotations captions_val2014.json --images images/val2014 \\
    --out h5_data/buffer_100 --split val --vocabulary h5_data/buffer_100/vocabulary.txt

writes h5_data/buffer_100/train_aligned_20_batches/ with hdf5_chunk_list.txt for HDF5Data and
image_list.with_dummy_labels.txt for ImageData, whose batches of 100 images match batches of
20 x 100 words, and train_unaligned_batches/ for the language model. The first call also makes
vocabulary.txt. When the command is repeated, finished files are kept.
"""

import argparse
import logging
import os
from pathlib import Path
from typing import Any

from caffe_lite.cli import options

log = logging.getLogger("caffe_lite.captions")

MIN_COUNT = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(
        parser,
        "annotations",
        required=True,
        metavar="JSON",
        help="captions in COCO's form: images (id, file_name), annotations (image_id, caption); or "
        "in Karpathy's, as dataset_flickr30k.json",
    )
    options.add_flag(parser, "images", required=True, metavar="DIR", help="where the images are")
    options.add_flag(parser, "out", required=True, metavar="DIR", help="where to write")
    options.add_flag(
        parser,
        "split",
        default="train",
        metavar="NAME",
        help="name of the data in the names of folders (default train); also the images to take "
        "from a file in Karpathy's form: train, val, test, or several as train+restval",
    )
    options.add_flag(
        parser, "ids", metavar="FILE", help="use only these images: one image id per line"
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
        metavar="N",
        help=f"words that occur less often become <unk> (default {MIN_COUNT})",
    )
    options.add_flag(
        parser,
        "buffer",
        type=options.positive,
        default=100,
        metavar="N",
        help="streams of sentences, and images per batch (default 100)",
    )
    options.add_flag(
        parser,
        "steps",
        type=options.positive,
        default=20,
        metavar="N",
        help="steps per sentence, its end included; longer ones are truncated (default 20)",
    )
    options.add_flag(
        parser,
        "layout",
        choices=("aligned", "unaligned", "both"),
        default="both",
        help="aligned with images, unaligned for a language model, or both (default)",
    )
    options.add_flag(
        parser,
        "seed",
        type=options.natural,
        default=3,
        metavar="N",
        help="random seed of the order of the sentences (default 3)",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.prepare.captions import write_split
    from caffe_lite.lrcn.prepare.coco import read_captions

    live = start_log()
    progress = Progress(live)
    images = _existing(
        read_captions(args.annotations, args.images, args.ids, args.split), args.images
    )
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
    """The images that exist; logs a warning about the others."""
    there = [image for image in images if os.path.isfile(image.path)]
    missing = [image.path for image in images if not os.path.isfile(image.path)]
    if missing:
        log.warning(
            "%d of %d images are not in %s and are left out, for example %s",
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
        if args.min_count is not None:
            log.warning("--min-count has no effect with --vocabulary")
        return Vocabulary.read(args.vocabulary)
    path = Path(args.out) / "vocabulary.txt"
    made = make_vocabulary(images, args.min_count or MIN_COUNT)
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

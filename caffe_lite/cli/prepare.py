"""Write data in the form that nets read: the shipped digits, videos, captioned images."""

from caffe_lite.cli import captions, dataset, video
from caffe_lite.cli.commands import Parser


def add_arguments(parser: Parser) -> None:
    parser.add_tasks("task", "TASK")
    dataset.add_tasks(parser)
    video.add_tasks(parser)
    captions.add_arguments(parser.add_task("captions", captions.__doc__ or "", captions.run))

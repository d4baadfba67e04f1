"""Caption scores equal to those of the COCO caption evaluation: BLEU, ROUGE-L and CIDEr; METEOR."""

from caffe_lite.lrcn.metrics.bleu import bleu
from caffe_lite.lrcn.metrics.cider import cider
from caffe_lite.lrcn.metrics.evaluate import evaluate
from caffe_lite.lrcn.metrics.meteor import meteor
from caffe_lite.lrcn.metrics.rouge import rouge_l
from caffe_lite.lrcn.metrics.tokenizer import tokenize

__all__ = ["bleu", "cider", "evaluate", "meteor", "rouge_l", "tokenize"]

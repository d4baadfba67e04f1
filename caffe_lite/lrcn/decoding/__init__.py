"""Captions from next-word probabilities: greedy, beam search, sampling; scores of captions."""

from caffe_lite.lrcn.decoding.beam import beam_search
from caffe_lite.lrcn.decoding.caption import Caption, best_first
from caffe_lite.lrcn.decoding.greedy import greedy
from caffe_lite.lrcn.decoding.sampling import sample
from caffe_lite.lrcn.decoding.scoring import score

__all__ = ["Caption", "beam_search", "best_first", "greedy", "sample", "score"]

"""Beam search and retrieval with LRCN's captioner at full size, beside PyTorch and the plain way.

    python benchmarks/lrcn/decoding.py [--images N] [--captions N] [--results DIR]

The net is LRCN's: 8,801 words, an embedding and two factored LSTM layers of 1,000 units, with
random weights. Beam search of width 5 is compared with the same search in PyTorch, if that is
installed; retrieval with one forward per image for all its captions, each of which is computed
whole. Medians of several runs in turn.
"""

import argparse
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import tables

from caffe_lite.backend import get_ops
from caffe_lite.backend.describe import processor_name
from caffe_lite.backend.processors import thread_count
from caffe_lite.lrcn import decoding
from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.vocabulary import END, Vocabulary
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

WORDS, UNITS, BEAM, LONGEST = 8801, 1000, 5, 12
NET = f"""
name: "captioner"
layer {{ name: "cont" type: "Input" top: "cont" input_param {{ shape {{ dim: 1 dim: 5 }} }} }}
layer {{ name: "words" type: "Input" top: "words" input_param {{ shape {{ dim: 1 dim: 5 }} }} }}
layer {{ name: "image" type: "Input" top: "image" input_param {{ shape {{ dim: 5 dim: 1000 }} }} }}
layer {{ name: "embedding" type: "Embed" bottom: "words" top: "embedded"
        embed_param {{ input_dim: {WORDS} num_output: {UNITS} bias_term: false }} }}
layer {{ name: "lstm1" type: "LSTM" bottom: "embedded" bottom: "cont" top: "lstm1"
        recurrent_param {{ num_output: {UNITS} }} }}
layer {{ name: "lstm2" type: "LSTM" bottom: "lstm1" bottom: "cont" bottom: "image" top: "lstm2"
        recurrent_param {{ num_output: {UNITS} }} }}
layer {{ name: "predict" type: "InnerProduct" bottom: "lstm2" top: "predict"
        inner_product_param {{ num_output: {WORDS} axis: 2 }} }}
layer {{ name: "probs" type: "Softmax" bottom: "predict" top: "probs" softmax_param {{ axis: 2 }} }}
"""


def make_captioner() -> Captioner:
    net = Net(text.parse(NET, schema.NetParameter), schema.TEST, get_ops())
    rng = np.random.default_rng(0)
    for blob in net.learnable_params:
        blob.data[...] = rng.normal(0, 0.04, blob.shape)
    return Captioner(net, Vocabulary(f"w{i}" for i in range(1, WORDS)), batch_size=200)


def captions(count: int) -> list[list[int]]:
    """Sentences of 7 to 14 words, drawn by Zipf's law as those of people nearly are."""
    rng = np.random.default_rng(1)
    return [
        (np.minimum(rng.zipf(1.3, rng.integers(7, 15)), WORDS - 1)).tolist() for _ in range(count)
    ]


def score_plainly(captioner: Captioner, images: np.ndarray, sentences: list) -> np.ndarray:
    """One forward of whole sentences per image."""
    matrix = np.empty((len(images), len(sentences)))
    for row in range(captioner.predictor.encode(images)):
        scored = decoding.score(captioner.predictor, [row] * len(sentences), sentences)
        matrix[row] = [each.log_prob for each in scored]
    return matrix


def torch_search(captioner: Captioner, images: np.ndarray) -> Callable[[], Any] | None:
    """Beam search in PyTorch over the same weights, all images at once; returns ids (n, LONGEST).

    Sentences that end are kept by giving <EOS> after <EOS> the log-probability 0.
    """
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed and left out")
        return None
    torch.set_num_threads(thread_count())
    params = {
        name: [torch.from_numpy(np.array(blob.data)) for blob in blobs]
        for name, blobs in captioner.parts.net.params.items()
    }
    features = torch.from_numpy(images)

    def cell(x: Any, state: Any, w_x: Any, bias: Any, w_h: Any, static: Any) -> Any:
        gates = torch.addmm(bias, x, w_x.T).addmm_(state[0], w_h.T)
        if static is not None:
            gates += static
        i, f, o, g = gates.chunk(4, 1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def search() -> Any:
        count = len(features)
        w1, b1, h1 = params["lstm1"]
        w2, b2, s2, h2 = params["lstm2"]
        static = features @ s2.T
        ids = torch.zeros(count, 1, 1, dtype=torch.long)
        totals = torch.zeros(count, 1)
        zeros = torch.zeros(count, UNITS)
        one, two = (zeros, zeros), (zeros, zeros)
        for _ in range(LONGEST):
            width = totals.shape[1]
            last = ids[:, :, -1].reshape(-1)
            one = cell(params["embedding"][0][last], one, w1, b1, h1, None)
            two = cell(one[0], two, w2, b2, h2, static.repeat_interleave(width, 0))
            scores = torch.addmm(params["predict"][1], two[0], params["predict"][0].T)
            log_p = scores.log_softmax(1).view(count, width, -1)
            ended = (ids[:, :, -1] == END) & (ids.shape[2] > 1)
            log_p = torch.where(ended[..., None], torch.full_like(log_p, -1e30), log_p)
            log_p[..., END] = torch.where(ended, torch.zeros(()), log_p[..., END])
            totals, best = (totals[..., None] + log_p).view(count, -1).topk(BEAM)
            parent, word = best // WORDS, best % WORDS
            rows = (torch.arange(count)[:, None] * width + parent).view(-1)
            one, two = (tuple(each[rows] for each in state) for state in (one, two))
            ids = ids.gather(1, parent[..., None].expand(-1, -1, ids.shape[2]))
            ids = torch.cat([ids, word[..., None]], 2)
            if (ids[:, :, -1] == END).all():
                break
        return ids[:, 0, 1:].numpy()

    def without_gradients() -> Any:
        with torch.no_grad():
            return search()

    return without_gradients


def in_turn(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median seconds of each way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100, metavar="N", help="default 100")
    parser.add_argument("--captions", type=int, default=100, metavar="N", help="default 100")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    parser.add_argument("--results", type=Path, metavar="DIR", help="write decoding.md and .json")
    args = parser.parse_args()
    captioner = make_captioner()
    images = np.random.default_rng(2).normal(size=(args.images, 1000)).astype(np.float32)
    few, sentences = images[: max(1, args.images // 5)], captions(args.captions)

    search = {"caffe_lite": lambda: captioner.beam_search(images, BEAM, LONGEST)}
    other = torch_search(captioner, images)
    if other is not None:
        search["PyTorch"] = other
        mine = [beams[0].ids for beams in search["caffe_lite"]()]
        same = sum(
            list(ids[: len(row)]) == row[: len(ids)].tolist()
            for ids, row in zip(mine, other(), strict=True)
        )
        print(f"{same} of {len(images)} captions equal")
    scoring = {
        "shared": lambda: captioner.score_matrix(few, [list(each) for each in sentences]),
        "whole forwards": lambda: score_plainly(captioner, few, sentences),
    }
    difference = np.abs(scoring["shared"]() / scoring["whole forwards"]() - 1).max()
    table = {
        f"beam {BEAM}, {len(images)} images": in_turn(search, args.rounds),
        f"{len(few)} images x {len(sentences)} captions": in_turn(scoring, args.rounds),
    }
    about = {
        "processor": processor_name(),
        "threads": thread_count(),
        "date": str(date.today()),
        "largest relative difference of scores": float(difference),
    }
    lines = [
        "# Decoding at full size\n",
        f"By `python benchmarks/lrcn/decoding.py` on {about['processor']}, {about['threads']} "
        f"threads, {about['date']}; seconds, medians of {args.rounds} runs in turn. Scores differ "
        f"by at most {difference:.0e} of their size.\n",
    ]
    for title, seconds in table.items():
        base = next(iter(seconds.values()))
        row = ", ".join(
            f"{name} {value:.2f} s ({value / base:.2f})" for name, value in seconds.items()
        )
        lines.append(f"- {title}: {row}")
    print("\n".join(lines))
    if args.results:
        tables.write(
            args.results, "decoding", "\n".join(lines) + "\n", {"about": about, "seconds": table}
        )


if __name__ == "__main__":
    main()

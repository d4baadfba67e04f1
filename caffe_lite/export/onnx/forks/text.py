"""Layers of text recognition: caffe-lstm's LSTM, orders of axes, greedy decoding."""

from math import prod

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.recurrent import ONNX_GATES, Cell, carried, lstm_over, plain
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.forks.text.continuation_indicator import ContinuationIndicator
from caffe_lite.forks.text.ctc_greedy_decoder import CTCGreedyDecoder
from caffe_lite.forks.text.lstm import Lstm
from caffe_lite.forks.text.reverse import Reverse
from caffe_lite.forks.text.transpose import Transpose
from caffe_lite.layers.base import Layer


@translates(ContinuationIndicator)
def continuation_indicator(site: Site) -> list[Tensor]:
    return [site.graph.floats(site.folded()[0])]


@translates(Transpose)
def transpose(site: Site) -> list[Tensor]:
    return [site.graph.transpose(site.x[0], list(site.layer.param.transpose_param.dim))]


@translates(Reverse)
def reverse(site: Site) -> list[Tensor]:
    axis = site.layer.param.reverse_param.axis
    return [site.graph.slice(site.x[0], [-1], [-(2**31)], [axis], [-1])]


@translates(Lstm)
def lstm(site: Site) -> list[Tensor]:
    """Without `clip` every run begins new sequences, as ONNX's own LSTM does."""
    param, graph, shape = site.layer.param.lstm_param, site.graph, site.shapes[0]
    by_step = len(shape) > 2 and not param.HasField("batch_size")
    if by_step:
        steps, streams = site.size(0), site.size(1)
    else:
        streams = Size(graph, param.batch_size)
        steps = site.size(0) // streams
    size = prod(shape[2 if by_step else 1 :])
    clipped = len(site.x) > 1 and not site.one_sequence
    cell = Cell(
        param.num_output,
        site.as_shape(site.x[0], [steps, streams, size]),
        _indicators(site, steps, streams) if clipped else "",
        "",
        (0, 2, -1, 1),
        steps,
        streams,
        tuple(carried(site, n, param.num_output, streams) for n in "hc") if clipped else (),
    )
    y = (lstm_over(site, cell) if clipped else plain(site, "LSTM", ONNX_GATES, cell))[0]
    return [y if by_step else graph.reshape(y, [-1, param.num_output])]


def _indicators(site: Site, steps: Size, streams: Size) -> Tensor:
    """(T, N): 0 where a sequence begins, else 1."""
    graph = site.graph
    return site.as_shape(graph.to_floats(graph.to_bools(site.x[1])), [steps, streams])


def _classes(layer: Layer) -> list[tuple[int, tuple[int, ...]]]:
    """The last one may be the blank."""
    return [(0, (2,))]


@translates(CTCGreedyDecoder, fixed=_classes)
def ctc_greedy_decoder(site: Site) -> list[Tensor]:
    """Kept labels go to the places that a running count gives them, all others behind the end."""
    param, graph, classes = site.layer.param.ctc_decoder_param, site.graph, site.shapes[0][2]
    one = graph.ints(1)
    best = graph.transpose(site.op("ArgMax", site.x[0], axis=2, keepdims=0), [1, 0])  # (N, T)
    blank = graph.ints(param.blank_index % classes)
    kept = site.op("Not", site.op("Equal", best, blank))
    if param.ctc_merge_repeated:
        ends = [2**62]
        later, earlier = graph.slice(best, [1], ends, [1]), graph.slice(best, [0], [-1], [1])
        changed = site.op("Not", site.op("Equal", later, earlier))
        first = site.op("GreaterOrEqual", graph.slice(best, [0], [1], [1]), graph.ints(0))
        kept = site.op("And", kept, graph.concat([first, changed], 1))
    if len(site.x) > 1:
        kept = site.op("And", kept, _before_an_end(site))
    count = site.op("CumSum", graph.to_ints(kept), one)
    steps, batch = site.size(0), site.size(1)
    places = site.op("Where", kept, site.op("Sub", count, one), steps.tensor())
    room = vector(graph, [batch, steps + 1])
    empty = site.op("Expand", graph.floats(-1), room)
    labels = site.op("ScatterElements", empty, places, graph.to_floats(best), axis=1)
    labels = graph.slice(labels, [0], vector(graph, [steps]), [1])
    return [graph.unsqueeze(labels, [2, 3])]


def _before_an_end(site: Site) -> Tensor:
    """Whether (N, T) no sequence has begun since the first step."""
    graph = site.graph
    cont = site.as_shape(site.x[1], [site.size(0), site.size(1)])
    begins = graph.to_ints(site.op("Equal", graph.transpose(cont, [1, 0]), graph.floats(0)))
    first, later = graph.slice(begins, [0], [1], [1]), graph.slice(begins, [1], [2**62], [1])
    begins = graph.concat([site.op("Mul", first, graph.ints(0)), later], 1)
    return site.op("Equal", site.op("CumSum", begins, graph.ints(1)), graph.ints(0))

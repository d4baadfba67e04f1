"""Layers of nets that read text."""

from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, number
from caffe_lite.forks.text.ctc_greedy_decoder import CTCGreedyDecoder
from caffe_lite.forks.text.lstm import Lstm


@emits(Lstm)
def lstm(site: Site) -> Code:
    param = site.param.lstm_param
    by_step = len(site.shape) > 2 and not param.HasField("batch_size")
    given = arguments(
        str(site.blob(0)[1]),
        str(param.num_output),
        batch=None if by_step else str(param.batch_size),
        threshold=number(param.clipping_threshold) if param.clipping_threshold > 0 else None,
    )
    weights = {name: Slot(i) for i, name in enumerate(("weight_x", "weight_h", "bias"))}
    call = f"{site.me}({', '.join(site.x)})"
    return Code(call, f"ClippedLSTM({given})", weights, reset=True)


@emits(CTCGreedyDecoder)
def ctc_greedy_decoder(site: Site) -> Code:
    param = site.param.ctc_decoder_param
    blank = param.blank_index % site.shape[2]
    return Code(f"ctc_greedy({', '.join(site.x)}, blank={blank}, merge={param.ctc_merge_repeated})")

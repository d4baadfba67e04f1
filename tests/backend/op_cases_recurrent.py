"""Cases of the units of recurrent layers."""

from tests.backend.op_case_base import Results, blank, case, hosts, named, normal


@case("lstm unit")
def _(ops, rng):
    outs: Results = {}
    for batch, hidden, with_cont in ((4, 5, True), (3, 7, False), (1, 2, True)):
        gates = normal(ops, rng, batch, 4 * hidden)
        c_prev = normal(ops, rng, batch, hidden)
        cont = ops.asarray(rng.integers(0, 2, batch)) if with_cont else None
        c, h = blank(ops, batch, hidden), blank(ops, batch, hidden)
        ops.lstm_unit(gates, c_prev, cont, c, h)
        dc, dh = normal(ops, rng, batch, hidden), normal(ops, rng, batch, hidden)
        dgates, dc_prev = blank(ops, batch, 4 * hidden), blank(ops, batch, hidden)
        ops.lstm_unit_grad(gates, c_prev, cont, c, dc, dh, dgates, dc_prev)
        ops.lstm_unit_grad(gates, c_prev, cont, c, dc, dh, gates.copy(), dc)
        outs |= named(
            f"{batch} x {hidden}", gates=gates, c=c, h=h, dgates=dgates, dc_prev=dc_prev, dc=dc
        )
    return hosts(ops, **outs)


@case("lstm unit joined to the next")
def _(ops, rng):
    outs: Results = {}
    for batch, hidden in ((4, 5), (1, 19)):
        gates = normal(ops, rng, batch, 4 * hidden)
        c_prev, dc, dh, dh_next = (normal(ops, rng, batch, hidden) for _ in range(4))
        cont, cont_next = (ops.asarray(rng.integers(0, 2, batch) * 0.8) for _ in range(2))
        cont_next[0] = 0.7
        c, h, h_cont, dc_prev = (blank(ops, batch, hidden) for _ in range(4))
        ops.lstm_unit(gates, c_prev, cont, c, h, cont_next, h_cont)
        dgates = blank(ops, batch, 4 * hidden)
        ops.lstm_unit_grad(gates, c_prev, cont, c, dc, dh, dgates, dc_prev, dh_next, cont_next)
        outs |= named(
            f"{batch} x {hidden}",
            gates=gates,
            c=c,
            h=h,
            h_cont=h_cont,
            dgates=dgates,
            dc_prev=dc_prev,
        )
    return hosts(ops, **outs)


@case("rnn unit")
def _(ops, rng):
    outs: Results = {}
    for batch, hidden in ((4, 5), (1, 19)):
        pre, dh, dh_next = (normal(ops, rng, batch, hidden) for _ in range(3))
        cont_next = ops.asarray(rng.random(batch))
        h, alone, h_cont, dpre, last = (blank(ops, batch, hidden) for _ in range(5))
        ops.rnn_unit(pre, h, cont_next, h_cont)
        ops.rnn_unit(pre, alone)
        ops.rnn_unit_grad(h, dh, dpre, dh_next, cont_next)
        ops.rnn_unit_grad(h, dh, last)
        ops.rnn_unit(pre, pre)
        outs |= named(
            f"{batch} x {hidden}", h=h, alone=alone, h_cont=h_cont, dpre=dpre, last=last, pre=pre
        )
    return hosts(ops, **outs)

"""LSTM and RNN written as loops over steps, streams and units."""

from math import exp, tanh

import numpy as np

from tests.layers.helpers import FILLED


def text(kind, options="", hidden=3):
    return f'type: "{kind}" recurrent_param {{ num_output: {hidden} {FILLED} {options} }}'


def sigmoid(x):
    return 1 / (1 + exp(-x))


def dot(row, vector):
    return sum(a * b for a, b in zip(row, vector, strict=True))


def _inputs(blobs, static):
    w_x, b = blobs[:2]
    w_static = blobs[2] if static is not None else None
    return w_x, b, w_static, blobs[2 if static is None else 3 :]


def lstm(x, cont, blobs, static=None, h=None, c=None):
    """h of every step (T, N, H), and the last h and c."""
    w_x, b, w_static, (w_h,) = _inputs(blobs, static)
    steps, streams, hidden = *cont.shape, w_h.shape[1]
    h = np.zeros((streams, hidden)) if h is None else h.copy()
    c = np.zeros((streams, hidden)) if c is None else c.copy()
    y = np.zeros((steps, streams, hidden))
    for t in range(steps):
        for n in range(streams):
            before = cont[t, n] * h[n]
            gates = [
                b[k] + dot(w_x[k], x[t, n].ravel()) + dot(w_h[k], before) for k in range(4 * hidden)
            ]
            if static is not None:
                gates = [gate + dot(w_static[k], static[n].ravel()) for k, gate in enumerate(gates)]
            for d in range(hidden):
                i, f, o = (sigmoid(gates[k * hidden + d]) for k in range(3))
                g = tanh(gates[3 * hidden + d])
                c[n, d] = cont[t, n] * f * c[n, d] + i * g
                y[t, n, d] = o * tanh(c[n, d])
        h = y[t].copy()
    return y, [h, c]


def rnn(x, cont, blobs, static=None, h=None):
    """o of every step (T, N, H), and the last h."""
    w_x, b, w_static, (w_h, w_o, b_o) = _inputs(blobs, static)
    steps, streams, hidden = *cont.shape, w_h.shape[1]
    h = np.zeros((streams, hidden)) if h is None else h.copy()
    y = np.zeros((steps, streams, hidden))
    for t in range(steps):
        for n in range(streams):
            before = cont[t, n] * h[n]
            for d in range(hidden):
                total = b[d] + dot(w_x[d], x[t, n].ravel()) + dot(w_h[d], before)
                if static is not None:
                    total += dot(w_static[d], static[n].ravel())
                h[n, d] = tanh(total)
            for d in range(hidden):
                y[t, n, d] = tanh(b_o[d] + dot(w_o[d], h[n]))
    return y, [h]


REFERENCES = {"LSTM": lstm, "RNN": rnn}

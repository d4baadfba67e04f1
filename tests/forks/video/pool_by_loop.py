"""Pooling window by window."""

import numpy as np


def pool(x, kernel, stride, pad, average, keep_last=False):
    """The pooled (N, C, *S'), and for a maximum the index in x of each."""
    made = []
    for size, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        count = int(np.ceil((size + 2 * p - k) / s)) + 1
        if p and not keep_last and (count - 1) * s >= size + p:
            count -= 1
        made.append(count)
    y = np.zeros((*x.shape[:2], *made))
    for at in np.ndindex(y.shape):
        spans, area = [], 1
        for o, size, k, s, p in zip(at[2:], x.shape[2:], kernel, stride, pad, strict=True):
            first, last = o * s - p, min(o * s - p + k, size + p)
            area *= last - first
            spans.append(slice(max(first, 0), min(last, size)))
        window = x[at[:2]][tuple(spans)]
        y[at] = window.sum() / area if average else window.max()
    return y

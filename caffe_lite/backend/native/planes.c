#include "planes.h"

int axis_for_taps(axis *a, idx size, idx output, idx kernel, idx stride, idx pad, idx dilation) {
    a->size = size;
    a->pad = pad;
    a->stride = stride;
    a->count = output + (kernel - 1) * dilation / stride;
    a->phases = 0;
    if (stride > 64) return 0;
    for (idx phase = 0; phase < stride; phase++) {
        int used = 0;
        for (idx tap = 0; tap < kernel; tap++) used |= tap * dilation % stride == phase;
        if (used) a->phase[a->phases++] = (int)phase;
    }
    return 1;
}

idx axis_place(const axis *a, idx position) {
    idx number = 0;
    while (a->phase[number] != position % a->stride) number++;
    return number * a->count + position / a->stride;
}

/* The v of a phase whose pixels, stride * v + offset, exist: *begin ... *end - 1. */
static void existing(const axis *w, idx offset, idx *begin, idx *end) {
    *begin = offset >= 0 ? 0 : min_idx(ceil_div(-offset, w->stride), w->count);
    *end = w->size > offset ? min_idx(ceil_div(w->size - offset, w->stride), w->count) : 0;
    *end = max_idx(*begin, *end);
}

/* One phase: row[v] = source[stride * v + offset] where that is a pixel, else 0. */
INLINE void fill_phase(const real *image, real *planes, const axis *h, const axis *w, idx phase_h,
                       idx offset, idx stride) {
    idx begin, end;
    existing(w, offset, &begin, &end);
    for (idx v = 0; v < h->count; v++, planes += w->count) {
        idx y = h->stride * v + phase_h - h->pad;
        if (y < 0 || y >= h->size) {
            for (idx u = 0; u < w->count; u++) planes[u] = 0;
            continue;
        }
        const real *source = image + y * w->size + offset;
        for (idx u = 0; u < begin; u++) planes[u] = 0;
        if (stride == 1)
            copy_row(planes + begin, source + begin, end - begin);
        else
            for (idx u = begin; u < end; u++) planes[u] = source[stride * u];
        for (idx u = end; u < w->count; u++) planes[u] = 0;
    }
}

void fill_planes(const real *image, real *planes, const axis *h, const axis *w) {
    for (idx ph = 0; ph < h->phases; ph++)
        for (idx pw = 0; pw < w->phases; pw++, planes += h->count * w->count) {
            idx phase_h = h->phase[ph], offset = w->phase[pw] - w->pad;
            if (w->stride == 1)
                fill_phase(image, planes, h, w, phase_h, offset, 1);
            else if (w->stride == 2)
                fill_phase(image, planes, h, w, phase_h, offset, 2);
            else
                fill_phase(image, planes, h, w, phase_h, offset, w->stride);
        }
}

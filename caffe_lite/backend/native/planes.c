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

/* row[v] = source[stride * v + offset] where that is a pixel, else 0. */
INLINE void fill_row(const real *source, real *row, const axis *w, idx offset, idx stride) {
    idx begin = offset >= 0 ? 0 : min_idx(ceil_div(-offset, stride), w->count);
    idx end = w->size > offset ? min_idx(ceil_div(w->size - offset, stride), w->count) : 0;
    end = max_idx(begin, end);
    for (idx v = 0; v < begin; v++) row[v] = 0;
    for (idx v = begin; v < end; v++) row[v] = source[stride * v + offset];
    for (idx v = end; v < w->count; v++) row[v] = 0;
}

void fill_planes(const real *image, real *planes, const axis *h, const axis *w) {
    for (idx ph = 0; ph < h->phases; ph++)
        for (idx pw = 0; pw < w->phases; pw++)
            for (idx v = 0; v < h->count; v++, planes += w->count) {
                idx y = h->stride * v + h->phase[ph] - h->pad;
                idx offset = w->phase[pw] - w->pad;
                const real *source = image + y * w->size;
                if (y < 0 || y >= h->size)
                    memset(planes, 0, (size_t)w->count * sizeof(real));
                else if (w->stride == 1)
                    fill_row(source, planes, w, offset, 1);
                else if (w->stride == 2)
                    fill_row(source, planes, w, offset, 2);
                else
                    fill_row(source, planes, w, offset, w->stride);
            }
}

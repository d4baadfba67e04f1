#include "planes.h"

/* Finds which elements of each phase are pixels. */
static void find_pixels(axis *a) {
    a->whole = 1;
    for (idx n = 0; n < a->phases; n++) {
        idx offset = a->phase[n] - a->pad;
        idx begin = offset >= 0 ? 0 : min_idx(ceil_div(-offset, a->stride), a->count);
        idx end = a->size > offset ? min_idx(ceil_div(a->size - offset, a->stride), a->count) : 0;
        a->begin[n] = begin;
        a->end[n] = max_idx(begin, end);
        a->whole = a->whole && begin == 0 && end == a->count;
    }
}

void axis_for_taps(axis *a, idx size, idx output, idx kernel, idx stride, idx pad, idx dilation) {
    a->size = size;
    a->pad = pad;
    a->stride = stride;
    a->count = output + (kernel - 1) * dilation / stride;
    a->phases = 0;
    for (int phase = 0; phase < stride; phase++) {
        int used = 0;
        for (idx tap = 0; tap < kernel && !used; tap++) used = tap * dilation % stride == phase;
        if (used) a->phase[a->phases++] = phase;
    }
    find_pixels(a);
}

void axis_plain(axis *a, idx size, idx pad, idx count) {
    a->size = size;
    a->pad = pad;
    a->stride = 1;
    a->count = count;
    a->phases = 1;
    a->phase[0] = 0;
    find_pixels(a);
}

idx axis_place(const axis *a, idx position) {
    idx number = 0;
    while (a->phase[number] != position % a->stride) number++;
    return number * a->count + position / a->stride;
}

INLINE void fill_rows(const real *image, real *planes, const axis *h, const axis *w, idx phase_h,
                      idx phase_w, idx stride) {
    idx begin = w->begin[phase_w], count = w->end[phase_w] - begin;
    idx first = stride * begin + w->phase[phase_w] - w->pad;
    for (idx v = h->begin[phase_h]; v < h->end[phase_h]; v++) {
        idx y = h->stride * v + h->phase[phase_h] - h->pad;
        const real *source = image + y * w->size + first;
        real *row = planes + v * w->count + begin;
        if (stride == 1)
            copy_row(row, source, count);
        else
            for (idx u = 0; u < count; u++) row[u] = source[stride * u];
    }
}

void fill_planes(const real *image, real *planes, const axis *h, const axis *w) {
    if (!h->whole || !w->whole)
        memset(planes, 0, (size_t)planes_size(h, w) * sizeof(real));
    for (idx ph = 0; ph < h->phases; ph++)
        for (idx pw = 0; pw < w->phases; pw++, planes += h->count * w->count) {
            if (w->stride == 1)
                fill_rows(image, planes, h, w, ph, pw, 1);
            else if (w->stride == 2)
                fill_rows(image, planes, h, w, ph, pw, 2);
            else
                fill_rows(image, planes, h, w, ph, pw, w->stride);
        }
}

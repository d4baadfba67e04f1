/* Padded copies of image planes, split by phase so that a strided walk becomes a contiguous one. */
#pragma once

#include "common.h"

#define MOST_PHASES 64

/* One spatial axis of a walk over padded pixels: pixel = stride * v + phase - pad for v < count. */
typedef struct {
    idx size; /* pixels of the image */
    idx pad;  /* zeros before it; may be negative: pixels left out */
    idx stride;
    idx count;  /* v of a phase */
    idx phases; /* those remainders by stride that are used */
    int whole;  /* every v is a pixel: no zeros */
    int phase[MOST_PHASES]; /* ascending */
    idx begin[MOST_PHASES], end[MOST_PHASES]; /* per phase, the v that are pixels */
} axis;

/* An axis whose phases are those of tap * dilation, tap < kernel; stride <= MOST_PHASES. */
void axis_for_taps(axis *a, idx size, idx output, idx kernel, idx stride, idx pad, idx dilation);

/* An axis of stride 1 and one phase. */
void axis_plain(axis *a, idx size, idx pad, idx count);

/* Where the padded pixel `position` lies: its phase's number times `count`, plus v. */
idx axis_place(const axis *a, idx position);

/* Elements of one channel's planes. */
INLINE idx planes_size(const axis *h, const axis *w) {
    return h->phases * h->count * w->phases * w->count;
}

/* planes (phases h, phases w, count h, count w) = the padded image. */
void fill_planes(const real *image, real *planes, const axis *h, const axis *w);

/* Padded copies of image planes, split by phase so that a strided walk becomes a contiguous one. */
#pragma once

#include "common.h"

/* One spatial axis of a walk over padded pixels: pixel = stride * v + phase for v < count. */
typedef struct {
    idx size;   /* pixels of the image */
    idx pad;    /* zeros before it; may be negative: pixels left out */
    idx stride;
    idx count;  /* v of a phase */
    idx phases;
    int phase[64]; /* the remainders that are used, ascending */
} axis;

/* An axis whose phases are those of tap * dilation, tap < kernel; false where it has too many. */
int axis_for_taps(axis *a, idx size, idx output, idx kernel, idx stride, idx pad, idx dilation);

/* Where the padded pixel `position` lies: its phase's number times `count`, plus v. */
idx axis_place(const axis *a, idx position);

/* Elements of one channel's planes. */
INLINE idx planes_size(const axis *h, const axis *w) {
    return h->phases * h->count * w->phases * w->count;
}

/* planes (phases h, phases w, count h, count w) = the padded image. */
void fill_planes(const real *image, real *planes, const axis *h, const axis *w);

/* Padded copies of image planes, split by phase, so that strided pixels become contiguous. */
#pragma once

#include "common.h"

#define MOST_PHASES 64

/* One spatial axis of the planes: element v of a phase is pixel stride * v + phase - pad. */
typedef struct {
    idx size; /* pixels of the image */
    idx pad;  /* zeros before the image; negative: pixels left out */
    idx stride;
    idx count;  /* elements of a phase */
    idx phases; /* remainders modulo stride that are used */
    int whole;  /* every element is a pixel, none is padding */
    int phase[MOST_PHASES]; /* ascending */
    idx begin[MOST_PHASES], end[MOST_PHASES]; /* per phase, the elements that are pixels */
} axis;

/* An axis with the phases of tap * dilation for tap < kernel; stride <= MOST_PHASES. */
void axis_for_taps(axis *a, idx size, idx output, idx kernel, idx stride, idx pad, idx dilation);

/* An axis of stride 1 and one phase. */
void axis_plain(axis *a, idx size, idx pad, idx count);

/* Index of the padded pixel `position`: its phase's index times `count`, plus its element. */
idx axis_place(const axis *a, idx position);

/* Elements of one channel's planes. */
INLINE idx planes_size(const axis *h, const axis *w) {
    return h->phases * h->count * w->phases * w->count;
}

/* Fills planes (h phases, w phases, h count, w count) with the padded image. */
void fill_planes(const real *image, real *planes, const axis *h, const axis *w);

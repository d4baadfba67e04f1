/* The sizes of a convolution over two spatial axes, as Python fills them in, and what every part of
 * it derives from them. */
#pragma once

#include "planes.h"

typedef struct {
    idx images, channels, height, width; /* x */
    idx outputs, out_height, out_width;  /* y */
    idx kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group;
} convolution_plan;

INLINE idx plan_taps(const convolution_plan *p) { return p->kernel_h * p->kernel_w; }

/* Whether the phases of this stride fit an axis; scratch sizes of others are 0. */
INLINE int plan_suits(const convolution_plan *p) {
    return max_idx(p->stride_h, p->stride_w) <= MOST_PHASES;
}

/* A guess at the whole convolution's nanoseconds on one modest core. */
INLINE double plan_work(const convolution_plan *p) {
    double sums = (double)(p->images * p->outputs * p->out_height * p->out_width);
    return sums * (double)(p->channels / p->group * plan_taps(p)) / 30.0;
}

/* Each tap meets x as it lies: no planes are needed. */
INLINE int plan_pointwise(const convolution_plan *p) {
    return plan_taps(p) == 1 && p->stride_h == 1 && p->stride_w == 1 && !p->pad_h && !p->pad_w;
}

/* The axes of x's planes. */
void plan_axes(const convolution_plan *p, axis *h, axis *w);

/* Where a tap's first pixel lies within one channel's planes. */
idx plan_place(const convolution_plan *p, const axis *h, const axis *w, idx i, idx j);

/* The same for every (channel of a group, tap), channels being `plane` elements apart. */
void plan_bases(const convolution_plan *p, const axis *h, const axis *w, idx plane, idx *base);

/* Elements of scratch that plan_bases' result takes. */
INLINE idx plan_bases_size(const convolution_plan *p) {
    idx size = p->channels / p->group * plan_taps(p) * (idx)(sizeof(idx) / sizeof(real));
    return ceil_div(size, 16) * 16;
}

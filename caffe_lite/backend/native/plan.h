/* The sizes of a convolution over two spatial axes, filled in by Python, and what is derived from
 * them. */
#pragma once

#include "planes.h"

typedef struct {
    idx images, channels, height, width; /* x */
    idx outputs, out_height, out_width;  /* y */
    idx kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group;
} convolution_plan;

INLINE idx plan_taps(const convolution_plan *p) { return p->kernel_h * p->kernel_w; }

/* Whether the strides are supported. If not, all scratch sizes are 0. */
INLINE int plan_suits(const convolution_plan *p) {
    return max_idx(p->stride_h, p->stride_w) <= MOST_PHASES;
}

/* Estimated nanoseconds of the whole convolution on one modest core. */
INLINE double plan_work(const convolution_plan *p) {
    double sums = (double)(p->images * p->outputs * p->out_height * p->out_width);
    return sums * (double)(p->channels / p->group * plan_taps(p)) / 30.0;
}

/* A 1x1 kernel with stride 1 and no padding: x is read in place, without planes. */
INLINE int plan_pointwise(const convolution_plan *p) {
    return plan_taps(p) == 1 && p->stride_h == 1 && p->stride_w == 1 && !p->pad_h && !p->pad_w;
}

/* The two axes of x's planes. */
void plan_axes(const convolution_plan *p, axis *h, axis *w);

/* Offset of tap (i, j)'s first pixel within one channel's planes. */
idx plan_place(const convolution_plan *p, const axis *h, const axis *w, idx i, idx j);

/* The offsets of every (channel of a group, tap); channels are `plane` elements apart. */
void plan_bases(const convolution_plan *p, const axis *h, const axis *w, idx plane, idx *base);

/* Size of plan_bases' result in elements of real. */
INLINE idx plan_bases_size(const convolution_plan *p) {
    idx size = p->channels / p->group * plan_taps(p) * (idx)(sizeof(idx) / sizeof(real));
    return ceil_div(size, 16) * 16;
}

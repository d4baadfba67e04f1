/* The sizes of a convolution over two spatial axes, as Python fills them in. */
#pragma once

#include "common.h"

typedef struct {
    idx images, channels, height, width; /* x */
    idx outputs, out_height, out_width;  /* y */
    idx kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group;
} convolution_plan;

INLINE idx plan_taps(const convolution_plan *p) { return p->kernel_h * p->kernel_w; }

/* Multiply-adds of the whole convolution, halved in nanoseconds of a modest core. */
INLINE double plan_work(const convolution_plan *p) {
    return (double)p->images * p->outputs * p->out_height * p->out_width * (p->channels / p->group) *
           plan_taps(p) / 30.0;
}

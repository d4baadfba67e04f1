/* Sizes and scratch memory of maximum and average pooling. */
#pragma once

#include "common.h"

typedef struct {
    idx planes, height, width, out_height, out_width;
    idx kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} pooling_plan;

typedef struct {
    const pooling_plan *plan;
    const real *in;
    real *out;
    int32_t *mask;
    real *scratch;
} pooling_job;

/* Pixels spanned by the windows of one output row. */
INLINE idx reach(const pooling_plan *p) {
    return max_idx((p->out_width - 1) * p->stride_w + p->kernel_w, p->width + p->pad_w);
}

INLINE double pooling_work(const pooling_plan *p) {
    return (double)p->planes * (double)(p->height * p->width + p->out_height * p->out_width *
                                        (p->kernel_h + p->kernel_w));
}

INLINE idx thread_scratch(const pooling_plan *p) {
    return ceil_div(2 * reach(p) + p->out_width, 16) * 16;
}

INLINE real *scratch_of(const pooling_job *job, int thread) {
    return job->scratch + thread * thread_scratch(job->plan);
}

/* Separable average pooling: over the rows of the window, then over its columns. */
#include "pooling.h"

/* Pixels of a window along one axis, clipped at the far padding. */
INLINE real window_size(idx o, idx stride, idx pad, idx kernel, idx size) {
    idx start = o * stride - pad;
    return (real)max_idx(min_idx(start + kernel, size + pad) - start, 1);
}

static void ave_task(void *context, idx plane, int thread) {
    const pooling_job *job = context;
    const pooling_plan *p = job->plan;
    const real *x = job->in + plane * p->height * p->width;
    real *y = job->out + plane * p->out_height * p->out_width;
    real *sum = scratch_of(job, thread);
    memset(sum, 0, (size_t)reach(p) * sizeof(real));
    for (idx row = 0; row < p->out_height; row++, y += p->out_width) {
        idx begin = max_idx(row * p->stride_h - p->pad_h, 0);
        idx end = min_idx(row * p->stride_h - p->pad_h + p->kernel_h, p->height);
        real high = window_size(row, p->stride_h, p->pad_h, p->kernel_h, p->height);
        real *at = sum + p->pad_w;
        for (idx j = 0; j < p->width; j++) at[j] = 0;
        for (idx i = begin; i < end; i++)
            for (idx j = 0; j < p->width; j++) at[j] += x[i * p->width + j];
        for (idx o = 0; o < p->out_width; o++) y[o] = sum[o * p->stride_w];
        for (idx k = 1; k < p->kernel_w; k++)
            for (idx o = 0; o < p->out_width; o++) y[o] += sum[o * p->stride_w + k];
        for (idx o = 0; o < p->out_width; o++)
            y[o] /= high * window_size(o, p->stride_w, p->pad_w, p->kernel_w, p->width);
    }
}

API void ave_pool(const pooling_plan *p, const real *x, real *y, real *scratch) {
    pooling_job job = {p, x, y, NULL, scratch};
    parallel(p->planes, pooling_work(p), ave_task, &job);
}

static void ave_grad_task(void *context, idx plane, int thread) {
    const pooling_job *job = context;
    const pooling_plan *p = job->plan;
    const real *dy = job->in + plane * p->out_height * p->out_width;
    real *dx = job->out + plane * p->height * p->width;
    real *spread = scratch_of(job, thread), *share = spread + 2 * reach(p);
    memset(dx, 0, (size_t)(p->height * p->width) * sizeof(real));
    for (idx row = 0; row < p->out_height; row++, dy += p->out_width) {
        idx begin = max_idx(row * p->stride_h - p->pad_h, 0);
        idx end = min_idx(row * p->stride_h - p->pad_h + p->kernel_h, p->height);
        real high = window_size(row, p->stride_h, p->pad_h, p->kernel_h, p->height);
        memset(spread, 0, (size_t)reach(p) * sizeof(real));
        for (idx o = 0; o < p->out_width; o++) {
            real wide = window_size(o, p->stride_w, p->pad_w, p->kernel_w, p->width);
            share[o] = dy[o] / (high * wide);
        }
        for (idx k = 0; k < p->kernel_w; k++)
            for (idx o = 0; o < p->out_width; o++) spread[o * p->stride_w + k] += share[o];
        for (idx i = begin; i < end; i++)
            for (idx j = 0; j < p->width; j++) dx[i * p->width + j] += spread[p->pad_w + j];
    }
}

API void ave_pool_grad(const pooling_plan *p, const real *dy, real *dx, real *scratch) {
    pooling_job job = {p, dy, dx, NULL, scratch};
    parallel(p->planes, pooling_work(p), ave_grad_task, &job);
}

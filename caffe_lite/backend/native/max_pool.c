/* Separable maximum pooling: over the rows of the window, then over its columns. */
#include "pooling.h"

#include <float.h>

/* Elements of scratch that each pooling function needs. */
API idx pooling_scratch(const pooling_plan *p) { return pool_threads() * thread_scratch(p); }

/* The larger value wins; on a tie the earlier pixel in row-major order. */
INLINE void best_along(const real *value, const int32_t *index, idx stride, idx count, idx kernel,
                       real *y, int32_t *mask) {
    for (idx o = 0; o < count; o++) y[o] = value[o * stride];
    for (idx o = 0; o < count; o++) mask[o] = index[o * stride];
    for (idx k = 1; k < kernel; k++)
        for (idx o = 0; o < count; o++) {
            real v = value[o * stride + k], best = y[o];
            int32_t i = index[o * stride + k], first = mask[o];
            int better = (v > best) | ((v == best) & (i < first));
            y[o] = better ? v : best;
            mask[o] = better ? i : first;
        }
}

INLINE void max_along(const real *value, idx stride, idx count, idx kernel, real *y) {
    for (idx o = 0; o < count; o++) y[o] = value[o * stride];
    for (idx k = 1; k < kernel; k++)
        for (idx o = 0; o < count; o++) {
            real v = value[o * stride + k];
            y[o] = v > y[o] ? v : y[o];
        }
}

/* Window by window, for planes too narrow for vectors. */
static void max_narrow(const pooling_plan *p, const real *x, real *y, int32_t *mask) {
    for (idx row = 0; row < p->out_height; row++)
        for (idx column = 0; column < p->out_width; column++) {
            idx top = row * p->stride_h - p->pad_h, left = column * p->stride_w - p->pad_w;
            idx bottom = min_idx(top + p->kernel_h, p->height);
            idx right = min_idx(left + p->kernel_w, p->width);
            real best = -FLT_MAX;
            idx first = -1;
            for (idx i = max_idx(top, 0); i < bottom; i++)
                for (idx j = max_idx(left, 0); j < right; j++) {
                    real v = x[i * p->width + j];
                    first = v > best ? i * p->width + j : first;
                    best = v > best ? v : best;
                }
            *y++ = best;
            if (mask) *mask++ = (int32_t)first;
        }
}

static void max_plane(const pooling_plan *p, const real *x, real *y, int32_t *mask, real *scratch) {
    idx span = reach(p), padded = p->pad_w;
    real *value = scratch;
    int32_t *index = (int32_t *)(scratch + span);
    for (idx i = 0; i < span; i++) value[i] = -FLT_MAX;
    for (idx i = 0; i < span; i++) index[i] = -1;
    for (idx row = 0; row < p->out_height; row++, y += p->out_width) {
        idx begin = max_idx(row * p->stride_h - p->pad_h, 0);
        idx end = min_idx(row * p->stride_h - p->pad_h + p->kernel_h, p->height);
        for (idx j = 0; j < p->width; j++) value[padded + j] = -FLT_MAX;
        if (!mask) {
            for (idx i = begin; i < end; i++)
                for (idx j = 0; j < p->width; j++) {
                    real v = x[i * p->width + j];
                    value[padded + j] = v > value[padded + j] ? v : value[padded + j];
                }
            if (p->stride_w == 2) max_along(value, 2, p->out_width, p->kernel_w, y);
            else if (p->stride_w == 1) max_along(value, 1, p->out_width, p->kernel_w, y);
            else max_along(value, p->stride_w, p->out_width, p->kernel_w, y);
            continue;
        }
        for (idx j = 0; j < p->width; j++) index[padded + j] = -1;
        for (idx i = begin; i < end; i++)
            for (idx j = 0; j < p->width; j++) {
                real v = x[i * p->width + j], best = value[padded + j];
                index[padded + j] = v > best ? (int32_t)(i * p->width + j) : index[padded + j];
                value[padded + j] = v > best ? v : best;
            }
        if (p->stride_w == 2) best_along(value, index, 2, p->out_width, p->kernel_w, y, mask);
        else if (p->stride_w == 1) best_along(value, index, 1, p->out_width, p->kernel_w, y, mask);
        else best_along(value, index, p->stride_w, p->out_width, p->kernel_w, y, mask);
        mask += p->out_width;
    }
}

static void max_task(void *context, idx plane, int thread) {
    const pooling_job *job = context;
    const pooling_plan *p = job->plan;
    idx outputs = p->out_height * p->out_width;
    const real *x = job->in + plane * p->height * p->width;
    real *y = job->out + plane * outputs;
    int32_t *mask = job->mask ? job->mask + plane * outputs : NULL;
    if (p->out_width < LANES / 2)
        max_narrow(p, x, y, mask);
    else
        max_plane(p, x, y, mask, scratch_of(job, thread));
}

API void max_pool(const pooling_plan *p, const real *x, real *y, int32_t *mask, real *scratch) {
    pooling_job job = {p, x, y, mask, scratch};
    parallel(p->planes, pooling_work(p), max_task, &job);
}

static void max_grad_task(void *context, idx plane, int thread) {
    (void)thread;
    const pooling_job *job = context;
    const pooling_plan *p = job->plan;
    idx outputs = p->out_height * p->out_width, pixels = p->height * p->width;
    const real *dy = job->in + plane * outputs;
    const int32_t *mask = job->mask + plane * outputs;
    real *dx = job->out + plane * pixels;
    memset(dx, 0, (size_t)pixels * sizeof(real));
    for (idx o = 0; o < outputs; o++)
        if (mask[o] >= 0 && mask[o] < pixels) dx[mask[o]] += dy[o];
}

API void max_pool_grad(const pooling_plan *p, const real *dy, int32_t *mask, real *dx) {
    pooling_job job = {p, dy, dx, mask, NULL};
    parallel(p->planes, pooling_work(p), max_grad_task, &job);
}

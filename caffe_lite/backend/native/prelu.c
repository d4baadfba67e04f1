/* PReLU of (images, channels, pixels), with one learned slope per channel. */
#include "vector_math.h"

typedef struct {
    idx images, channels, pixels;
    const real *x, *slope, *dy;
    real *y, *dslope;
} prelu_job;

/* A task's elements: one plane, with one slope (step 0), or with one pixel per channel one image,
 * with a slope per element (step 1). */
typedef struct {
    idx first, count;
    const real *slope;
    idx step;
} run;

INLINE run run_of(const prelu_job *job, idx task) {
    if (job->pixels == 1) return (run){task * job->channels, job->channels, job->slope, 1};
    return (run){task * job->pixels, job->pixels, job->slope + task % job->channels, 0};
}

INLINE void start(const prelu_job *job, double nanoseconds, task_fn *task) {
    idx tasks = job->pixels == 1 ? job->images : job->images * job->channels;
    double elements = (double)(job->images * job->channels * job->pixels);
    parallel(tasks, nanoseconds * elements, task, (void *)job);
}

/* The product is always computed, which costs less than a branch. */
INLINE real rectified(real x, real slope) {
    real leaked = slope * x;
    return x > 0 ? x : leaked;
}

INLINE real factor(real x, real slope) {
    real at_most = x <= 0 ? slope : 0;
    return x > 0 ? 1 : at_most;
}

static void prelu_task(void *context, idx task, int thread) {
    (void)thread;
    const prelu_job *job = context;
    run r = run_of(job, task);
    const real *x = job->x + r.first, *slope = r.slope;
    real *y = job->y + r.first, shared = *slope;
    if (r.step)
        for (idx i = 0; i < r.count; i++) y[i] = rectified(x[i], slope[i]);
    else
        for (idx i = 0; i < r.count; i++) y[i] = rectified(x[i], shared);
}

API void prelu(idx images, idx channels, idx pixels, const real *x, const real *slope, real *y) {
    prelu_job job = {images, channels, pixels, .x = x, .slope = slope, .y = y};
    start(&job, 0.4, prelu_task);
}

static void prelu_grad_task(void *context, idx task, int thread) {
    (void)thread;
    const prelu_job *job = context;
    run r = run_of(job, task);
    const real *x = job->x + r.first, *dy = job->dy + r.first, *slope = r.slope;
    real *dx = job->y + r.first, shared = *slope;
    if (r.step)
        for (idx i = 0; i < r.count; i++) dx[i] = dy[i] * factor(x[i], slope[i]);
    else
        for (idx i = 0; i < r.count; i++) dx[i] = dy[i] * factor(x[i], shared);
}

API void prelu_grad(idx images, idx channels, idx pixels, const real *x, const real *slope,
                    const real *dy, real *dx) {
    prelu_job job = {images, channels, pixels, .x = x, .slope = slope, .dy = dy, .y = dx};
    start(&job, 0.6, prelu_grad_task);
}

/* Sum of dy * min(x, 0) over one plane. */
static real plane_sum(const real *x, const real *dy, idx count) {
    vec sum = {0}, none = {0};
    idx i = 0;
    for (; i + LANES <= count; i += LANES) {
        vec v = load(x + i);
        sum += load(dy + i) * select_vec(v > none, none, v);
    }
    real total = lane_sum(sum);
    for (; i < count; i++) total += dy[i] * (x[i] > 0 ? 0 : x[i]);
    return total;
}

#define CHANNEL_BLOCK 64

static void prelu_slope_task(void *context, idx task, int thread) {
    (void)thread;
    const prelu_job *job = context;
    if (job->pixels > 1) {
        double total = 0;
        for (idx image = 0; image < job->images; image++) {
            idx first = (image * job->channels + task) * job->pixels;
            total += (double)plane_sum(job->x + first, job->dy + first, job->pixels);
        }
        job->dslope[task] += (real)total;
        return;
    }
    real sum[CHANNEL_BLOCK] = {0};
    idx first = task * CHANNEL_BLOCK, count = min_idx(CHANNEL_BLOCK, job->channels - first);
    for (idx image = 0; image < job->images; image++) {
        const real *x = job->x + image * job->channels + first;
        const real *dy = job->dy + image * job->channels + first;
        for (idx c = 0; c < count; c++) sum[c] += dy[c] * (x[c] > 0 ? 0 : x[c]);
    }
    for (idx c = 0; c < count; c++) job->dslope[first + c] += sum[c];
}

API void prelu_grad_slope(idx images, idx channels, idx pixels, const real *x, const real *dy,
                          real *dslope) {
    prelu_job job = {images, channels, pixels, .x = x, .dy = dy, .dslope = dslope};
    idx tasks = pixels > 1 ? channels : ceil_div(channels, CHANNEL_BLOCK);
    parallel(tasks, 0.4 * (double)(images * channels * pixels), prelu_slope_task, &job);
}

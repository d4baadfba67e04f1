/* Local response normalization across channels, a strip of pixels at a time. */
#include "negative_power.h"

typedef struct {
    idx images, channels, pixels, size;
    const real *x, *y, *dy;
    real *scale, *out, *scratch;
    real alpha, beta, k;
    idx strip, strips;
} lrn_job;

#define STRIP_ELEMENTS 32768 /* of all channels of a strip, to fit the second-level cache */

static void cut(lrn_job *job) {
    job->strip = min_idx(job->pixels, max_idx(64, STRIP_ELEMENTS / job->channels / 16 * 16));
    job->strips = ceil_div(job->pixels, job->strip);
}

static void forward_task(void *context, idx task, int thread) {
    (void)thread;
    const lrn_job *job = context;
    idx first = task % job->strips * job->strip;
    idx count = min_idx(job->strip, job->pixels - first);
    idx at = task / job->strips * job->channels * job->pixels + first;
    const real *x = job->x + at;
    real *scale = job->scale + at, *y = job->out + at;
    real factor = job->alpha / (real)job->size;
    idx before = (job->size - 1) / 2;
    for (idx c = 0; c < job->channels; c++, scale += job->pixels, y += job->pixels) {
        idx begin = max_idx(c - before, 0);
        idx end = min_idx(c - before + job->size, job->channels);
        for (idx i = 0; i < count; i++) scale[i] = 0;
        for (idx other = begin; other < end; other++) {
            const real *from = x + other * job->pixels;
            for (idx i = 0; i < count; i++) scale[i] += from[i] * from[i];
        }
        for (idx i = 0; i < count; i++) scale[i] = job->k + factor * scale[i];
        negative_power(scale, job->beta, count, y);
        const real *from = x + c * job->pixels;
        for (idx i = 0; i < count; i++) y[i] *= from[i];
    }
}

/* x, y and scale (images, channels, pixels). */
API void lrn_across(idx images, idx channels, idx pixels, idx size, double alpha, double beta,
                    double k, const real *x, real *y, real *scale) {
    lrn_job job = {.images = images, .channels = channels, .pixels = pixels, .size = size, .x = x,
                   .scale = scale, .out = y, .alpha = (real)alpha, .beta = (real)beta,
                   .k = (real)k};
    cut(&job);
    parallel(images * job.strips, 3.0 * (double)(images * channels * pixels), forward_task, &job);
}

API idx lrn_across_grad_scratch(idx channels, idx pixels) {
    lrn_job job = {.channels = channels, .pixels = pixels};
    cut(&job);
    return pool_threads() * ceil_div((channels + 1) * job.strip, 16) * 16;
}

static void backward_task(void *context, idx task, int thread) {
    const lrn_job *job = context;
    idx first = task % job->strips * job->strip;
    idx count = min_idx(job->strip, job->pixels - first);
    idx at = task / job->strips * job->channels * job->pixels + first;
    real *ratio = job->scratch + thread * (ceil_div((job->channels + 1) * job->strip, 16) * 16);
    real *power = ratio + job->channels * job->strip;
    real factor = 2 * job->alpha * job->beta / (real)job->size;
    idx before = job->size / 2;
    for (idx c = 0; c < job->channels; c++) {
        const real *y = job->y + at + c * job->pixels, *dy = job->dy + at + c * job->pixels;
        const real *scale = job->scale + at + c * job->pixels;
        for (idx i = 0; i < count; i++) ratio[c * job->strip + i] = dy[i] * y[i] / scale[i];
    }
    for (idx c = 0; c < job->channels; c++, at += job->pixels) {
        const real *x = job->x + at, *dy = job->dy + at;
        real *dx = job->out + at;
        negative_power(job->scale + at, job->beta, count, power);
        for (idx i = 0; i < count; i++) power[i] *= dy[i];
        for (idx i = 0; i < count; i++) dx[i] = 0;
        idx end = min_idx(c - before + job->size, job->channels);
        for (idx other = max_idx(c - before, 0); other < end; other++)
            for (idx i = 0; i < count; i++) dx[i] += ratio[other * job->strip + i];
        for (idx i = 0; i < count; i++) dx[i] = power[i] - factor * x[i] * dx[i];
    }
}

API void lrn_across_grad(idx images, idx channels, idx pixels, idx size, double alpha, double beta,
                         const real *x, const real *y, real *scale, const real *dy, real *dx,
                         real *scratch) {
    lrn_job job = {.images = images, .channels = channels, .pixels = pixels, .size = size, .x = x,
                   .y = y, .dy = dy, .scale = scale, .out = dx, .scratch = scratch,
                   .alpha = (real)alpha, .beta = (real)beta};
    cut(&job);
    parallel(images * job.strips, 4.0 * (double)(images * channels * pixels), backward_task, &job);
}

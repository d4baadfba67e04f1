/* Batch normalization of (images, channels, pixels); every task is one channel. */
#include "common.h"

typedef struct {
    idx images, channels, pixels;
    const real *x, *y, *dy, *mean, *std;
    real *mean_out, *var_out, *out;
} norm_job;

INLINE idx row_of(const norm_job *job, idx image, idx c) {
    return (image * job->channels + c) * job->pixels;
}

/* The sum over one row of (x - shift), or its square, or its product with factor. */
INLINE double row_total(const real *x, const real *factor, real shift, int squared, idx count) {
    vec sum[2] = {{0}};
    idx i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES)
        for (int n = 0; n < 2; n++) {
            vec v = load(x + i + n * LANES) - shift;
            sum[n] += squared ? v * v : factor ? v * load(factor + i + n * LANES) : v;
        }
    double total = (double)lane_sum(sum[0] + sum[1]);
    for (; i < count; i++) {
        real v = x[i] - shift;
        total += (double)(squared ? v * v : factor ? v * factor[i] : v);
    }
    return total;
}

static void stats_task(void *context, idx c, int thread) {
    (void)thread;
    const norm_job *job = context;
    double total = 0, squares = 0, count = (double)(job->images * job->pixels);
    for (idx n = 0; n < job->images; n++)
        total += row_total(job->x + row_of(job, n, c), NULL, 0, 0, job->pixels);
    real mean = (real)(total / count);
    for (idx n = 0; n < job->images; n++)
        squares += row_total(job->x + row_of(job, n, c), NULL, mean, 1, job->pixels);
    job->mean_out[c] = mean;
    job->var_out[c] = (real)(squares / count);
}

API void batch_norm_stats(idx images, idx channels, idx pixels, const real *x, real *mean,
                          real *var) {
    norm_job job = {.images = images, .channels = channels, .pixels = pixels, .x = x,
                    .mean_out = mean, .var_out = var};
    parallel(channels, (double)(images * channels * pixels), stats_task, &job);
}

static void apply_task(void *context, idx c, int thread) {
    (void)thread;
    const norm_job *job = context;
    real mean = job->mean[c], std = job->std[c];
    for (idx n = 0; n < job->images; n++) {
        const real *x = job->x + row_of(job, n, c);
        real *y = job->out + row_of(job, n, c);
        for (idx i = 0; i < job->pixels; i++) y[i] = (x[i] - mean) / std;
    }
}

API void batch_norm_apply(idx images, idx channels, idx pixels, const real *x, const real *mean,
                          const real *std, real *y) {
    norm_job job = {.images = images, .channels = channels, .pixels = pixels, .x = x, .mean = mean,
                    .std = std, .out = y};
    parallel(channels, (double)(images * channels * pixels), apply_task, &job);
}

static void grad_task(void *context, idx c, int thread) {
    (void)thread;
    const norm_job *job = context;
    double plain = 0, weighted = 0, count = (double)(job->images * job->pixels);
    for (idx n = 0; n < job->images; n++) {
        idx at = row_of(job, n, c);
        plain += row_total(job->dy + at, NULL, 0, 0, job->pixels);
        weighted += row_total(job->dy + at, job->y + at, 0, 0, job->pixels);
    }
    real mean = (real)(plain / count), slope = (real)(weighted / count), std = job->std[c];
    for (idx n = 0; n < job->images; n++) {
        idx at = row_of(job, n, c);
        const real *y = job->y + at, *dy = job->dy + at;
        real *dx = job->out + at;
        for (idx i = 0; i < job->pixels; i++) dx[i] = (dy[i] - mean - slope * y[i]) / std;
    }
}

API void batch_norm_grad(idx images, idx channels, idx pixels, const real *y, const real *std,
                         const real *dy, real *dx) {
    norm_job job = {.images = images, .channels = channels, .pixels = pixels, .y = y, .std = std,
                    .dy = dy, .out = dx};
    parallel(channels, (double)(images * channels * pixels), grad_task, &job);
}

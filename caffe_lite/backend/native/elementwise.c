/* ReLU, dropout, element-wise maximum and bias, each in one pass. */
#include "common.h"

#define BLOCK 16384

typedef struct {
    idx count;
    const real *x, *dy;
    real *y, *mask;
    real slope, ratio;
} element_job;

INLINE void block(const element_job *job, idx task, idx *first, idx *last) {
    *first = task * BLOCK;
    *last = min_idx(*first + BLOCK, job->count);
}

static void relu_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const real *x = job->x;
    real *y = job->y, slope = job->slope;
    idx first, last;
    block(job, task, &first, &last);
    if (slope == 0)
        for (idx i = first; i < last; i++) y[i] = x[i] < 0 ? 0 : x[i];
    else
        for (idx i = first; i < last; i++) y[i] = x[i] < 0 ? slope * x[i] : x[i];
}

API void relu(idx count, const real *x, real *y, double slope) {
    element_job job = {.count = count, .x = x, .y = y, .slope = (real)slope};
    parallel(ceil_div(count, BLOCK), 0.4 * (double)count, relu_task, &job);
}

static void relu_grad_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const real *x = job->x, *dy = job->dy;
    real *dx = job->y, slope = job->slope;
    idx first, last;
    block(job, task, &first, &last);
    for (idx i = first; i < last; i++) dx[i] = dy[i] * (x[i] > 0 ? 1 : x[i] <= 0 ? slope : 0);
}

API void relu_grad(idx count, const real *x, const real *dy, real *dx, double slope) {
    element_job job = {.count = count, .x = x, .dy = dy, .y = dx, .slope = (real)slope};
    parallel(ceil_div(count, BLOCK), 0.6 * (double)count, relu_grad_task, &job);
}

static void dropout_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    real kept = 1 / (1 - job->ratio);
    idx first, last;
    block(job, task, &first, &last);
    for (idx i = first; i < last; i++) {
        job->mask[i] = job->mask[i] >= job->ratio ? kept : 0;
        job->y[i] = job->x[i] * job->mask[i];
    }
}

/* mask holds uniform numbers in [0, 1) and is set to 0 or 1 / (1 - ratio). */
API void dropout(idx count, const real *x, real *y, real *mask, double ratio) {
    element_job job = {.count = count, .x = x, .y = y, .mask = mask, .ratio = (real)ratio};
    parallel(ceil_div(count, BLOCK), 0.6 * (double)count, dropout_task, &job);
}

typedef struct {
    idx count;
    int index;
    const real *a, *b, *dy;
    real *y;
    int32_t *winner;
} max_job;

static void eltwise_max_task(void *context, idx task, int thread) {
    (void)thread;
    const max_job *job = context;
    const real *a = job->a, *b = job->b;
    idx first = task * BLOCK, last = min_idx(first + BLOCK, job->count);
    for (idx i = first; i < last; i++) {
        real x = a[i], other = b[i];
        int later = job->index > 1 ? other > x : !(x > other);
        job->winner[i] = later ? job->index : job->index > 1 ? job->winner[i] : 0;
        job->y[i] = x != x ? x : x > other ? x : other;
    }
}

/* y = max(a, b), and winner = index where b is chosen. With index 1, a is xs[0] and b wins ties.
 * With a larger index, a is y, the maximum so far with its winner, and b must be larger. */
API void eltwise_max(idx count, const real *a, const real *b, int index, real *y,
                     int32_t *winner) {
    max_job job = {.count = count, .index = index, .a = a, .b = b, .y = y, .winner = winner};
    parallel(ceil_div(count, BLOCK), 0.8 * (double)count, eltwise_max_task, &job);
}

static void eltwise_max_grad_task(void *context, idx task, int thread) {
    (void)thread;
    const max_job *job = context;
    idx first = task * BLOCK, last = min_idx(first + BLOCK, job->count);
    for (idx i = first; i < last; i++) job->y[i] = job->dy[i] * (job->winner[i] == job->index);
}

API void eltwise_max_grad(idx count, const real *dy, int32_t *winner, int index, real *dx) {
    max_job job = {.count = count, .index = index, .dy = dy, .y = dx, .winner = winner};
    parallel(ceil_div(count, BLOCK), 0.6 * (double)count, eltwise_max_grad_task, &job);
}

typedef struct {
    idx images, channels, pixels;
    real *y, *bias;
} bias_job;

static void add_bias_task(void *context, idx image, int thread) {
    (void)thread;
    const bias_job *job = context;
    real *y = job->y + image * job->channels * job->pixels;
    if (job->pixels == 1) {
        for (idx c = 0; c < job->channels; c++) y[c] += job->bias[c];
        return;
    }
    for (idx c = 0; c < job->channels; c++, y += job->pixels)
        for (idx i = 0; i < job->pixels; i++) y[i] += job->bias[c];
}

API void add_bias(idx images, idx channels, idx pixels, real *y, real *bias) {
    bias_job job = {images, channels, pixels, y, bias};
    parallel(images, 0.4 * (double)(images * channels * pixels), add_bias_task, &job);
}

typedef struct {
    bias_job bias;
    real slope;
} bias_relu_job;

INLINE real leak(real value, real slope) {
    return value < 0 ? (slope == 0 ? 0 : slope * value) : value;
}

static void bias_relu_task(void *context, idx image, int thread) {
    (void)thread;
    const bias_relu_job *job = context;
    idx channels = job->bias.channels, pixels = job->bias.pixels;
    const real *bias = job->bias.bias;
    real *y = job->bias.y + image * channels * pixels, slope = job->slope;
    if (pixels == 1) {
        for (idx c = 0; c < channels; c++) y[c] = leak(y[c] + bias[c], slope);
        return;
    }
    for (idx c = 0; c < channels; c++, y += pixels)
        for (idx i = 0; i < pixels; i++) y[i] = leak(y[i] + bias[c], slope);
}

API void bias_relu(idx images, idx channels, idx pixels, real *y, real *bias, double slope) {
    bias_relu_job job = {{images, channels, pixels, y, bias}, (real)slope};
    parallel(images, 0.5 * (double)(images * channels * pixels), bias_relu_task, &job);
}

/* Sum of a row in four independent accumulators. */
static real row_sum(const real *p, idx count) {
    vec sum[4] = {{0}};
    idx i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES)
        for (int n = 0; n < 4; n++) sum[n] += load(p + i + n * LANES);
    real total = lane_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
    for (; i < count; i++) total += p[i];
    return total;
}

#define COLUMN_BLOCK 64

static void sum_bias_task(void *context, idx task, int thread) {
    (void)thread;
    const bias_job *job = context;
    if (job->pixels > 1) {
        double total = 0;
        for (idx image = 0; image < job->images; image++)
            total += (double)row_sum(job->y + (image * job->channels + task) * job->pixels,
                                     job->pixels);
        job->bias[task] += (real)total;
        return;
    }
    real sum[COLUMN_BLOCK] = {0};
    idx first = task * COLUMN_BLOCK, count = min_idx(COLUMN_BLOCK, job->channels - first);
    for (idx image = 0; image < job->images; image++)
        for (idx c = 0; c < count; c++) sum[c] += job->y[image * job->channels + first + c];
    for (idx c = 0; c < count; c++) job->bias[first + c] += sum[c];
}

API void sum_bias(idx images, idx channels, idx pixels, real *dy, real *dbias) {
    bias_job job = {images, channels, pixels, dy, dbias};
    idx tasks = pixels > 1 ? channels : ceil_div(channels, COLUMN_BLOCK);
    parallel(tasks, 0.4 * (double)(images * channels * pixels), sum_bias_task, &job);
}

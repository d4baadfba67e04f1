/* Vectors run along the sum, because a tile would use only a few of its lanes. */
#include "narrow.h"

#define ROWS 4
#define PART 64

typedef struct {
    idx rows, width, depth, out_step;
    const real *left, *right;
    real *out;
    int accumulate;
} narrow_job;

INLINE void few_rows(const narrow_job *job, idx row, int rows, int width) {
    vec sum[ROWS][NARROW_WIDTH];
    const real *left = job->left + row * job->depth, *right = job->right;
    idx depth = job->depth, k = 0;
    for (int r = 0; r < rows; r++)
        for (int w = 0; w < width; w++) sum[r][w] = (vec){0};
    for (; k + LANES <= depth; k += LANES)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            vec factor = load(left + r * depth + k);
            __builtin_prefetch(left + r * depth + k + 1024 / sizeof(real));
#pragma GCC unroll 4
            for (int w = 0; w < width; w++) sum[r][w] += factor * load(right + w * depth + k);
        }
    for (int r = 0; r < rows; r++)
        for (int w = 0; w < width; w++) {
            real total = lane_sum(sum[r][w]);
            for (idx i = k; i < depth; i++) total += left[r * depth + i] * right[w * depth + i];
            real *to = job->out + w * job->out_step + row + r;
            *to = job->accumulate ? *to + total : total;
        }
}

INLINE void some_rows(const narrow_job *job, idx row, idx last, int width) {
    for (; row + ROWS <= last; row += ROWS) few_rows(job, row, ROWS, width);
    for (; row < last; row++) few_rows(job, row, 1, width);
}

static void narrow_task(void *context, idx task, int thread) {
    (void)thread;
    const narrow_job *job = context;
    idx row = task * PART, last = min_idx(row + PART, job->rows);
    switch (job->width) {
    case 1: some_rows(job, row, last, 1); break;
    case 2: some_rows(job, row, last, 2); break;
    case 3: some_rows(job, row, last, 3); break;
    default: some_rows(job, row, last, NARROW_WIDTH);
    }
}

void narrow_product(idx rows, idx width, idx depth, const real *left, const real *right, real *out,
                    idx out_step, int accumulate) {
    narrow_job job = {rows, width, depth, out_step, left, right, out, accumulate};
    parallel(ceil_div(rows, PART), (double)rows * (double)depth / 8.0, narrow_task, &job);
}

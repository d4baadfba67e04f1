#include "thin.h"

#define AT_ONCE 8          /* rows of right that are added in one pass */
#define LEAST_COLUMNS 1024 /* per task */
#define OUT_PART 16384     /* elements of out per task */

/* One row of out, columns first ... last - 1, += rows k ... k + count - 1 of right times left. */
INLINE void add_rows(const thin_job *job, idx row, idx k, int count, idx first, idx last) {
    const real *from = job->right + k * job->width;
    real *to = job->out + row * job->width, factor[AT_ONCE];
    for (int i = 0; i < count; i++)
        factor[i] = job->left[row * job->row_step + (k + i) * job->depth_step];
    idx w = first;
    for (; w + LANES <= last; w += LANES) {
        vec sum = load(to + w);
        for (int i = 0; i < count; i++) sum += factor[i] * load(from + i * job->width + w);
        store(to + w, sum);
    }
    for (; w < last; w++)
        for (int i = 0; i < count; i++) to[w] += factor[i] * from[i * job->width + w];
}

static void thin_task(void *context, idx task, int thread) {
    (void)thread;
    const thin_job *job = context;
    idx first = task * job->part, last = min_idx(first + job->part, job->width), k = 0;
    for (idx row = 0; row < job->rows && !job->accumulate; row++)
        memset(job->out + row * job->width + first, 0, (size_t)(last - first) * sizeof(real));
    for (; k + AT_ONCE <= job->depth; k += AT_ONCE)
        for (idx row = 0; row < job->rows; row++) add_rows(job, row, k, AT_ONCE, first, last);
    for (; k < job->depth; k++)
        for (idx row = 0; row < job->rows; row++) add_rows(job, row, k, 1, first, last);
}

void thin_product(thin_job *job) {
    idx part = max_idx(LEAST_COLUMNS, ceil_div(job->width, pool_threads()));
    job->part = ceil_div(part, LANES) * LANES;
    double work = (double)job->width * (double)job->depth / 8.0;
    parallel(ceil_div(job->width, job->part), work, thin_task, job);
}

INLINE void set_rows(const thin_job *job, idx row, idx last, int depth) {
    for (; row < last; row++) {
        const real *left = job->left + row * job->row_step;
        real *to = job->out + row * job->width;
        idx w = 0;
        for (; w + LANES <= job->width; w += LANES) {
            vec sum = job->accumulate ? load(to + w) : (vec){0};
            for (int k = 0; k < depth; k++)
                sum += left[k * job->depth_step] * load(job->right + k * job->width + w);
            store(to + w, sum);
        }
        for (; w < job->width; w++) {
            real sum = job->accumulate ? to[w] : 0;
            for (int k = 0; k < depth; k++)
                sum += left[k * job->depth_step] * job->right[k * job->width + w];
            to[w] = sum;
        }
    }
}

static void short_task(void *context, idx task, int thread) {
    (void)thread;
    const thin_job *job = context;
    idx row = task * job->part, last = min_idx(row + job->part, job->rows);
    if (job->depth == 1)
        set_rows(job, row, last, 1);
    else
        set_rows(job, row, last, SHORT_DEPTH);
}

void short_product(thin_job *job) {
    job->part = max_idx(1, OUT_PART / job->width);
    double work = (double)job->width * (double)job->rows / 6.0;
    parallel(ceil_div(job->rows, job->part), work, short_task, job);
}

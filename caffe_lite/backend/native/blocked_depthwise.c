/* Depthwise convolution of blocked images: each channel with a kernel of its own. */
#include "epilogue.h"

#define RUN 8 /* pixels of a row whose sums are in registers */

typedef struct {
    const chain_step *s;
    idx rows, parts; /* of a task */
    epilogue end;
} depthwise_job;

INLINE void run(const chain_step *s, epilogue end, const int count, const idx apart, const real *x,
                const real *weight, vec bias, vec slopes, const real *z, real *y) {
    vec sum[RUN];
#pragma GCC unroll 8
    for (int p = 0; p < count; p++) sum[p] = bias;
    for (idx tap = 0; tap < s->depth; tap++, weight += LANES) {
        const real *from = x + s->offset[tap];
        vec w = load(weight);
#pragma GCC unroll 8
        for (int p = 0; p < count; p++) sum[p] += w * load(from + p * apart);
    }
#pragma GCC unroll 8
    for (int p = 0; p < count; p++) {
        if (z) sum[p] += load(z + p * LANES);
        store(y + p * LANES, activate(end, sum[p], slopes));
    }
}

INLINE void run_row(const chain_step *s, epilogue end, const idx apart, const real *x,
                    const real *weight, vec bias, vec slopes, const real *z, real *y) {
    idx j = 0;
    for (; j + RUN <= s->out_width; j += RUN)
        run(s, end, RUN, apart, x + j * apart, weight, bias, slopes, z ? z + j * LANES : NULL,
            y + j * LANES);
    for (; j < s->out_width; j++)
        run(s, end, 1, apart, x + j * apart, weight, bias, slopes, z ? z + j * LANES : NULL,
            y + j * LANES);
}

/* 3x3 with stride 1: each row of x is read once for three pixels that use it. */
INLINE void run_row_3x3(const chain_step *s, epilogue end, const real *x, const real *weight,
                        vec bias, vec slopes, const real *z, real *y) {
    vec w[9];
#pragma GCC unroll 9
    for (int t = 0; t < 9; t++) w[t] = load(weight + t * LANES);
    const real *a = x + s->offset[0], *b = x + s->offset[3], *c = x + s->offset[6];
    idx j = 0;
    for (; j + 4 <= s->out_width; j += 4) {
        vec sum[4] = {bias, bias, bias, bias};
#pragma GCC unroll 6
        for (int column = 0; column < 6; column++) {
            vec va = load(a + (j + column) * LANES), vb = load(b + (j + column) * LANES);
            vec vc = load(c + (j + column) * LANES);
#pragma GCC unroll 3
            for (int tap = 0; tap < 3; tap++) {
                int p = column - tap;
                if (p < 0 || p > 3) continue;
                sum[p] += va * w[tap];
                sum[p] += vb * w[3 + tap];
                sum[p] += vc * w[6 + tap];
            }
        }
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++) {
            if (z) sum[p] += load(z + (j + p) * LANES);
            store(y + (j + p) * LANES, activate(end, sum[p], slopes));
        }
    }
    for (; j < s->out_width; j++)
        run(s, end, 1, LANES, x + j * LANES, weight, bias, slopes, z ? z + j * LANES : NULL,
            y + j * LANES);
}

static void depthwise_task(void *context, idx task, int thread) {
    (void)thread;
    const depthwise_job *job = context;
    const chain_step *s = job->s;
    idx part = task % job->parts, block = task / job->parts % s->channels;
    idx image = task / job->parts / s->channels;
    const real *x = s->x.data + image * s->x.image + block * s->x.block;
    const real *weight = s->weight + block * s->depth * LANES;
    const vec bias = s->bias ? load(s->bias + block * LANES) : (vec){0};
    const vec slopes = s->slopes ? load(s->slopes + block * LANES) : (vec){0};
    int three = s->kernel_h == 3 && s->kernel_w == 3 && s->stride_w == 1 && s->dilation_w == 1;
    idx last = min_idx((part + 1) * job->rows, s->out_height);
    for (idx i = part * job->rows; i < last; i++) {
        const real *row = x + i * s->stride_h * s->x.row;
        real *y = s->y.data + image * s->y.image + block * s->y.block + i * s->y.row;
        const real *z = s->z.data ? s->z.data + image * s->z.image + block * s->z.block + i * s->z.row
                                  : NULL;
        if (three)
            run_row_3x3(s, job->end, row, weight, bias, slopes, z, y);
        else if (s->stride_w == 1)
            run_row(s, job->end, LANES, row, weight, bias, slopes, z, y);
        else if (s->stride_w == 2)
            run_row(s, job->end, 2 * LANES, row, weight, bias, slopes, z, y);
        else
            run_row(s, job->end, s->stride_w * LANES, row, weight, bias, slopes, z, y);
    }
}

void blocked_depthwise(const chain_step *s) {
    depthwise_job job = {.s = s, .end = epilogue_of(s)};
    idx planes = s->images * s->channels;
    job.rows = max_idx(1, s->out_height / max_idx(1, 4 * pool_threads() / planes));
    job.parts = ceil_div(s->out_height, job.rows);
    double work = (double)(planes * s->out_height * s->out_width) * (double)(s->depth + 4) / 4;
    parallel(planes * job.parts, work, depthwise_task, &job);
}

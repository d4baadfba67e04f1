/* The solvers' update rules, each in one pass over data, diff and history. */
#include "common.h"

#define BLOCK 16384

/* In the order of KERNELS in rules.py. */
enum rule { SGD, NESTEROV, ADAGRAD, RMSPROP, ADADELTA, ADAM };

typedef struct {
    int rule, l1;
    idx count;
    real *data, *diff, *h, *h2;
    real scale, decay, rate, momentum, momentum2, delta, rms_decay;
} update_job;

/* g, the regularized gradient. */
INLINE real gradient(const update_job *job, real diff, real data) {
    real pull = job->l1 ? (real)((data > 0) - (data < 0)) : data;
    return job->scale * diff + job->decay * pull;
}

#define STEP(expression)                                    \
    for (idx i = first; i < last; i++) {                    \
        real g = gradient(job, diff[i], data[i]), step;     \
        expression;                                         \
        diff[i] = step;                                     \
        data[i] -= step;                                    \
    }

INLINE void apply(const update_job *job, int rule, idx first, idx last) {
    real *restrict data = job->data, *restrict diff = job->diff;
    real *restrict h = job->h, *restrict h2 = job->h2;
    const real rate = job->rate, m = job->momentum, m2 = job->momentum2, delta = job->delta;
    const real rms = job->rms_decay;
    switch (rule) {
    case SGD:
        STEP(step = h[i] = rate * g + m * h[i])
        break;
    case NESTEROV:
        STEP(real before = h[i]; h[i] = rate * g + m * before; step = (1 + m) * h[i] - m * before)
        break;
    case ADAGRAD:
        STEP(h[i] += g * g; step = rate * (g / ((real)__builtin_sqrt(h[i]) + delta)))
        break;
    case RMSPROP:
        STEP(h[i] = (1 - rms) * (g * g) + rms * h[i];
             step = rate * (g / ((real)__builtin_sqrt(h[i]) + delta)))
        break;
    case ADADELTA:
        STEP(h[i] = (1 - m) * (g * g) + m * h[i];
             real u = g * (real)__builtin_sqrt((h2[i] + delta) / (h[i] + delta));
             h2[i] = (1 - m) * (u * u) + m * h2[i]; step = rate * u)
        break;
    case ADAM:
        STEP(h[i] = (1 - m) * g + m * h[i]; h2[i] = (1 - m2) * (g * g) + m2 * h2[i];
             step = rate * (h[i] / ((real)__builtin_sqrt(h2[i]) + delta)))
        break;
    }
}

static void update_task(void *context, idx task, int thread) {
    (void)thread;
    const update_job *job = context;
    apply(job, job->rule, task * BLOCK, min_idx((task + 1) * BLOCK, job->count));
}

/* values: scale, decay, rate (Adam: corrected), momentum, momentum2, delta, rms_decay. */
API void update(int rule, int l1, idx count, real *data, real *diff, real *h, real *h2,
                const double *values) {
    update_job job = {
        .rule = rule, .l1 = l1, .count = count, .data = data, .diff = diff, .h = h, .h2 = h2,
        .scale = (real)values[0], .decay = (real)values[1], .rate = (real)values[2],
        .momentum = (real)values[3], .momentum2 = (real)values[4], .delta = (real)values[5],
        .rms_decay = (real)values[6],
    };
    parallel(ceil_div(count, BLOCK), (double)count, update_task, &job);
}

typedef struct {
    idx count;
    const real *values;
    double *sums;
} squares_job;

static void squares_task(void *context, idx task, int thread) {
    (void)thread;
    const squares_job *job = context;
    const real *p = job->values + task * BLOCK;
    idx count = min_idx(BLOCK, job->count - task * BLOCK), i = 0;
    vec sum[4] = {{0}};
    for (; i + 4 * LANES <= count; i += 4 * LANES)
        for (int n = 0; n < 4; n++) {
            vec v = load(p + i + n * LANES);
            sum[n] += v * v;
        }
    double total = (double)lane_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
    for (; i < count; i++) total += (double)p[i] * (double)p[i];
    job->sums[task] = total;
}

API idx sum_squares_scratch(idx count) { return ceil_div(count, BLOCK) * (idx)sizeof(double); }

/* The sum of squares of count values; scratch: sum_squares_scratch(count) bytes. */
API double sum_squares(idx count, const real *values, double *scratch) {
    squares_job job = {count, values, scratch};
    idx tasks = ceil_div(count, BLOCK);
    parallel(tasks, 0.3 * (double)count, squares_task, &job);
    double total = 0;
    for (idx task = 0; task < tasks; task++) total += scratch[task];
    return total;
}

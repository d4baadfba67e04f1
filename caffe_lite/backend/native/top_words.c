/* The k largest of each row of scores, and the logarithm of the row's sum of exponentials: what a
 * decoder needs of a softmax over a vocabulary, without writing the probabilities. */
#include "vector_math.h"

typedef struct {
    idx width, k;
    const real *scores;
    int *ids;
    real *best, *log_sum;
} words_job;

/* Moves (value, id) up to its place among the `count` values that are sorted, largest first. */
INLINE void insert(real *best, int *ids, idx count, real value, int id) {
    idx i = count;
    for (; i > 0 && value > best[i - 1]; i--) {
        best[i] = best[i - 1];
        ids[i] = ids[i - 1];
    }
    best[i] = value;
    ids[i] = id;
}

static void top_row(const real *row, idx width, idx k, real *best, int *ids) {
    idx count = 0, i = 0;
    for (; i < width && count < k; i++) insert(best, ids, count++, row[i], (int)i);
    for (; i + LANES <= width; i += LANES) {
        vec v = load(row + i), least = (vec){0} + best[k - 1];
        real any[LANES];
        store(any, select_vec(v > least, (vec){0} + 1, (vec){0}));
        for (idx lane = 0; lane < LANES; lane++)
            if (any[lane] && row[i + lane] > best[k - 1])
                insert(best, ids, k - 1, row[i + lane], (int)(i + lane));
    }
    for (; i < width; i++)
        if (row[i] > best[k - 1]) insert(best, ids, k - 1, row[i], (int)i);
}

static real log_sum_row(const real *row, idx width, real shift) {
    vec sum = {0};
    idx i = 0;
    for (; i + LANES <= width; i += LANES) sum += exp_vec(load(row + i) - shift);
    real total = lane_sum(sum), rest[LANES];
    if (i < width) {
        store(rest, exp_vec(load_part(row + i, width - i) - shift));
        for (idx lane = 0; lane < width - i; lane++) total += rest[lane];
    }
    return shift + (real)log((double)total);
}

static void words_task(void *context, idx row, int thread) {
    (void)thread;
    const words_job *job = context;
    const real *scores = job->scores + row * job->width;
    real *best = job->best + row * job->k;
    top_row(scores, job->width, job->k, best, job->ids + row * job->k);
    job->log_sum[row] = log_sum_row(scores, job->width, best[0]);
}

/* ids and best (rows, k), the largest first, of equal ones the first; log_sum (rows). 1 <= k <=
 * width. With NaN in a row its log_sum is NaN. */
API void top_words(idx rows, idx width, const real *scores, idx k, int *ids, real *best,
                   real *log_sum) {
    words_job job = {width, k, scores, ids, best, log_sum};
    parallel(rows, 1.0 * (double)(rows * width), words_task, &job);
}

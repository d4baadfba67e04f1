/* Rows of a table, read and added to by row number. */
#include "common.h"

typedef struct {
    idx count, width, rows;
    const int32_t *ids;
    const real *from;
    real *to;
} table_job;

static void take_task(void *context, idx i, int thread) {
    (void)thread;
    const table_job *job = context;
    idx row = min_idx(max_idx(job->ids[i], 0), job->rows - 1);
    memcpy(job->to + i * job->width, job->from + row * job->width,
           (size_t)job->width * sizeof(real));
}

/* to (count, width) = from[ids]; ids are clamped to 0 ... rows - 1. */
API void take(idx count, idx width, idx rows, const int32_t *ids, const real *from, real *to) {
    table_job job = {count, width, rows, ids, from, to};
    parallel(count, 0.2 * (double)(count * width), take_task, &job);
}

#define COLUMNS 64

static void scatter_task(void *context, idx task, int thread) {
    (void)thread;
    const table_job *job = context;
    idx first = task * COLUMNS, count = min_idx(COLUMNS, job->width - first);
    for (idx i = 0; i < job->count; i++) {
        if (job->ids[i] < 0 || job->ids[i] >= job->rows) continue;
        real *to = job->to + job->ids[i] * job->width + first;
        const real *from = job->from + i * job->width + first;
        for (idx j = 0; j < count; j++) to[j] += from[j];
    }
}

/* to[ids[i]] += from[i], in order of i; ids outside the table are ignored. */
API void scatter_add(idx count, idx width, idx rows, const int32_t *ids, const real *from,
                     real *to) {
    table_job job = {count, width, rows, ids, from, to};
    parallel(ceil_div(width, COLUMNS), 0.3 * (double)(count * width), scatter_task, &job);
}

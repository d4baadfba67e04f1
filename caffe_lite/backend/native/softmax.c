/* Softmax over the middle axis of (outer, classes, inner), and cross-entropy. */
#include "vector_math.h"

#include <float.h>

#define COLUMNS 64 /* inner positions that are processed together if inner > 1 */

typedef struct {
    idx outer, classes, inner, groups;
    const real *x, *dy, *label;
    real *y;
    int has_ignore;
    real ignore, scale;
} softmax_job;

/* y[i] = exp(x[i] - shift); returns the sum. */
INLINE real exp_row(const real *x, real *y, idx count, real shift) {
    vec sum = {0};
    idx i = 0;
    for (; i + LANES <= count; i += LANES) {
        vec e = exp_vec(load(x + i) - shift);
        store(y + i, e);
        sum += e;
    }
    real total = lane_sum(sum);
    if (i < count) {
        store_part(y + i, exp_vec(load_part(x + i, count - i) - shift), count - i);
        for (; i < count; i++) total += y[i];
    }
    return total;
}

static void softmax_row(const real *x, real *y, idx classes) {
    vec most = {0};
    most += x[0];
    idx i = 0;
    for (; i + LANES <= classes; i += LANES) {
        vec v = load(x + i);
        most = select_vec(v > most, v, most);
    }
    real lanes[LANES], shift;
    store(lanes, most);
    shift = lanes[0];
    for (idx lane = 1; lane < LANES; lane++) shift = lanes[lane] > shift ? lanes[lane] : shift;
    for (; i < classes; i++) shift = x[i] > shift ? x[i] : shift;
    real factor = exp_row(x, y, classes, shift);
    for (i = 0; i < classes; i++) y[i] /= factor;
}

static void softmax_columns(const real *x, real *y, idx classes, idx inner, idx count) {
    real most[COLUMNS], sum[COLUMNS], shifted[COLUMNS];
    for (idx j = 0; j < count; j++) most[j] = x[j];
    for (idx c = 1; c < classes; c++)
        for (idx j = 0; j < count; j++) {
            real v = x[c * inner + j];
            most[j] = v > most[j] ? v : most[j];
        }
    for (idx j = 0; j < count; j++) sum[j] = 0;
    for (idx c = 0; c < classes; c++) {
        real *row = y + c * inner;
        for (idx j = 0; j < count; j++) shifted[j] = x[c * inner + j] - most[j];
        exp_row(shifted, row, count, 0);
        for (idx j = 0; j < count; j++) sum[j] += row[j];
    }
    for (idx c = 0; c < classes; c++)
        for (idx j = 0; j < count; j++) y[c * inner + j] /= sum[j];
}

static void softmax_task(void *context, idx task, int thread) {
    (void)thread;
    const softmax_job *job = context;
    idx first = task % job->groups * COLUMNS;
    idx at = task / job->groups * job->classes * job->inner + first;
    if (job->inner == 1)
        softmax_row(job->x + at, job->y + at, job->classes);
    else
        softmax_columns(job->x + at, job->y + at, job->classes, job->inner,
                        min_idx(COLUMNS, job->inner - first));
}

API void softmax(idx outer, idx classes, idx inner, const real *x, real *y) {
    softmax_job job = {.classes = classes, .inner = inner, .groups = ceil_div(inner, COLUMNS),
                       .x = x, .y = y};
    parallel(outer * job.groups, 2.0 * (double)(outer * classes * inner), softmax_task, &job);
}

static void softmax_grad_row(const real *y, const real *dy, real *dx, idx classes) {
    vec sums[2] = {{0}};
    idx i = 0;
    for (; i + 2 * LANES <= classes; i += 2 * LANES)
        for (int n = 0; n < 2; n++) sums[n] += load(dy + i + n * LANES) * load(y + i + n * LANES);
    real sum = lane_sum(sums[0] + sums[1]);
    for (; i < classes; i++) sum += dy[i] * y[i];
    for (i = 0; i < classes; i++) dx[i] = y[i] * (dy[i] - sum);
}

static void softmax_grad_task(void *context, idx task, int thread) {
    (void)thread;
    const softmax_job *job = context;
    idx first = task % job->groups * COLUMNS, inner = job->inner;
    idx at = task / job->groups * job->classes * inner + first;
    idx count = min_idx(COLUMNS, inner - first);
    const real *y = job->x + at, *dy = job->dy + at;
    real *dx = job->y + at, sum[COLUMNS] = {0};
    if (inner == 1) {
        softmax_grad_row(y, dy, dx, job->classes);
        return;
    }
    for (idx c = 0; c < job->classes; c++)
        for (idx j = 0; j < count; j++) sum[j] += dy[c * inner + j] * y[c * inner + j];
    for (idx c = 0; c < job->classes; c++)
        for (idx j = 0; j < count; j++)
            dx[c * inner + j] = y[c * inner + j] * (dy[c * inner + j] - sum[j]);
}

API void softmax_grad(idx outer, idx classes, idx inner, const real *y, const real *dy, real *dx) {
    softmax_job job = {.classes = classes, .inner = inner, .groups = ceil_div(inner, COLUMNS),
                       .x = y, .dy = dy, .y = dx};
    parallel(outer * job.groups, 2.0 * (double)(outer * classes * inner), softmax_grad_task, &job);
}

/* The label as a class, clamped to the valid range. */
INLINE idx class_of(real label, idx classes) {
    if (!(label >= 0)) return 0;
    return label < (real)classes ? (idx)label : classes - 1;
}

INLINE int ignored(real label, int has_ignore, real ignore) {
    return has_ignore && (real)__builtin_trunc(label) == ignore;
}

/* losses (outer, inner); sums[0] = their sum, sums[1] = the number of labels not ignored. */
API void softmax_loss(idx outer, idx classes, idx inner, const real *prob, const real *label,
                      int has_ignore, double ignore, real *losses, real *sums) {
    double total = 0, counted = 0;
    for (idx i = 0; i < outer; i++)
        for (idx j = 0; j < inner; j++) {
            real value = label[i * inner + j], loss = 0;
            if (!ignored(value, has_ignore, (real)ignore)) {
                real p = prob[(i * classes + class_of(value, classes)) * inner + j];
                loss = (real)-log(p < FLT_MIN ? FLT_MIN : p);
                counted++;
            }
            losses[i * inner + j] = loss;
            total += loss;
        }
    sums[0] = (real)total;
    sums[1] = (real)counted;
}

static void loss_grad_task(void *context, idx i, int thread) {
    (void)thread;
    const softmax_job *job = context;
    idx inner = job->inner, size = job->classes * inner;
    const real *prob = job->x + i * size, *label = job->label + i * inner;
    real *dx = job->y + i * size;
    for (idx n = 0; n < size; n++) dx[n] = prob[n] * job->scale;
    for (idx j = 0; j < inner; j++) {
        if (ignored(label[j], job->has_ignore, job->ignore)) {
            for (idx c = 0; c < job->classes; c++) dx[c * inner + j] = 0;
            continue;
        }
        idx at = class_of(label[j], job->classes) * inner + j;
        dx[at] = (prob[at] - 1) * job->scale;
    }
}

API void softmax_loss_grad(idx outer, idx classes, idx inner, const real *prob, const real *label,
                           int has_ignore, double ignore, double scale, real *dx) {
    softmax_job job = {.classes = classes, .inner = inner, .x = prob, .label = label, .y = dx,
                       .has_ignore = has_ignore, .ignore = (real)ignore, .scale = (real)scale};
    parallel(outer, (double)(outer * classes * inner), loss_grad_task, &job);
}

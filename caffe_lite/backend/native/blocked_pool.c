/* Pooling of blocked images. */
#include "epilogue.h"

#include <float.h>

typedef struct {
    idx first, last, size; /* pixels of a window that are in the image; with its padding */
} window;

/* Where window `number` is on an axis. The size counts padding, up to `pad` beyond the end. */
static window window_at(idx number, idx kernel, idx stride, idx pad, idx size) {
    idx first = number * stride - pad, last = min_idx(first + kernel, size + pad);
    window w = {max_idx(first, 0), min_idx(last, size), last - first};
    return w;
}

typedef struct {
    const chain_step *s;
    int average;
    idx rows, parts; /* of a task */
} pool_job;

/* A comparison keeps a number beside NaN, as in the plain layout; so it does in an empty window. */
INLINE vec largest(const chain_step *s, const real *x, window h, window w) {
    vec most = (vec){0} - FLT_MAX;
    for (idx i = h.first; i < h.last; i++)
        for (idx j = w.first; j < w.last; j++) {
            vec v = load(x + i * s->x.row + j * LANES);
            most = select_vec(v > most, v, most);
        }
    return most;
}

INLINE vec mean(const chain_step *s, const real *x, window h, window w) {
    vec sum = {0};
    for (idx i = h.first; i < h.last; i++)
        for (idx j = w.first; j < w.last; j++) sum += load(x + i * s->x.row + j * LANES);
    return sum / ((real)max_idx(h.size, 1) * (real)max_idx(w.size, 1));
}

static void pool_task(void *context, idx task, int thread) {
    (void)thread;
    const pool_job *job = context;
    const chain_step *s = job->s;
    idx part = task % job->parts, block = task / job->parts % s->channels;
    idx image = task / job->parts / s->channels;
    const real *x = s->x.data + image * s->x.image + block * s->x.block;
    real *y = s->y.data + image * s->y.image + block * s->y.block;
    idx last = min_idx((part + 1) * job->rows, s->out_height);
    for (idx i = part * job->rows; i < last; i++) {
        window h = window_at(i, s->kernel_h, s->stride_h, s->pad_h, s->height);
        for (idx j = 0; j < s->out_width; j++) {
            window w = window_at(j, s->kernel_w, s->stride_w, s->pad_w, s->width);
            store(y + i * s->y.row + j * LANES,
                  job->average ? mean(s, x, h, w) : largest(s, x, h, w));
        }
    }
}

/* `depth` is 0 for the maximum, 1 for the average. */
void blocked_pooling(const chain_step *s) {
    pool_job job = {.s = s, .average = s->depth == 1};
    idx planes = s->images * s->channels;
    job.rows = max_idx(1, s->out_height / max_idx(1, 4 * pool_threads() / planes));
    job.parts = ceil_div(s->out_height, job.rows);
    double pixels = (double)(planes * s->out_height * s->out_width);
    parallel(planes * job.parts, pixels * (double)(s->kernel_h * s->kernel_w) / 2, pool_task, &job);
}

/* Element-wise steps over blocked images, copies, and changes of layout. */
#include "epilogue.h"
#include "negative_power.h"
#include "planes.h"

typedef struct {
    const chain_step *s;
    epilogue end;
    idx rows, parts; /* of a task */
    axis h, w;
} element_job;

/* Calls `run` for parts of the planes of y; `each` is the time for a vector in nanoseconds. */
static void over_rows(const chain_step *s, idx planes, double each, task_fn *run) {
    element_job job = {.s = s, .end = epilogue_of(s)};
    job.rows = max_idx(1, s->out_height / max_idx(1, 4 * pool_threads() / planes));
    job.parts = ceil_div(s->out_height, job.rows);
    double vectors = (double)(planes * s->out_height * s->out_width);
    parallel(planes * job.parts, vectors * each, run, &job);
}

typedef struct {
    idx image, block, first, last;
} range;

/* The image, block of channels and rows of a task. */
INLINE range range_of(const element_job *job, idx task, idx blocks) {
    idx part = task % job->parts, plane = task / job->parts;
    return (range){plane / blocks, plane % blocks, part * job->rows,
                   min_idx((part + 1) * job->rows, job->s->out_height)};
}

INLINE real *row_of(const blocked *b, range r, idx row) {
    return b->data + r.image * b->image + r.block * b->block + row * b->row;
}

/* y = activation(alpha x + beta z) */
static void sum_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    range r = range_of(job, task, s->channels);
    real alpha = (real)s->alpha, beta = (real)s->beta;
    const vec slopes = s->slopes ? load(s->slopes + r.block * LANES) : (vec){0};
    for (idx i = r.first; i < r.last; i++) {
        const real *x = row_of(&s->x, r, i), *z = row_of(&s->z, r, i);
        real *y = row_of(&s->y, r, i);
        for (idx j = 0; j < s->out_width * LANES; j += LANES)
            store(y + j, activate(job->end, alpha * load(x + j) + beta * load(z + j), slopes));
    }
}

void blocked_sum(const chain_step *s) { over_rows(s, s->images * s->channels, 2.0, sum_task); }

/* y = activation(weight x + bias), per channel; no weight is 1, no bias 0. */
static void map_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    range r = range_of(job, task, s->channels);
    idx at = r.block * LANES;
    const vec scale = s->weight ? load(s->weight + at) : (vec){0} + 1;
    const vec shift = s->bias ? load(s->bias + at) : (vec){0};
    const vec slopes = s->slopes ? load(s->slopes + at) : (vec){0};
    for (idx i = r.first; i < r.last; i++) {
        const real *x = row_of(&s->x, r, i);
        real *y = row_of(&s->y, r, i);
        for (idx j = 0; j < s->out_width * LANES; j += LANES)
            store(y + j, activate(job->end, scale * load(x + j) + shift, slopes));
    }
}

void blocked_map(const chain_step *s) { over_rows(s, s->images * s->channels, 2.0, map_task); }

/* Channels 0 ... count - 1 of x become those from `size` on of y, which may be inside a block. With
 * `depth` they are y's last, and the rest of their block becomes zero. */
static void copy_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    range r = range_of(job, task, s->channels);
    idx first = r.block * LANES, last = min_idx(first + LANES, s->count);
    idx end = s->depth && last == s->count ? ceil_div(s->size + last, LANES) * LANES - s->size : last;
    for (idx i = r.first; i < r.last; i++) {
        const real *x = row_of(&s->x, r, i);
        for (idx c = first; c < end; c++) {
            idx to = s->size + c;
            real *y = s->y.data + r.image * s->y.image + to / LANES * s->y.block + i * s->y.row +
                      to % LANES;
            for (idx j = 0; j < s->out_width; j++)
                y[j * LANES] = c < last ? x[j * LANES + c - first] : 0;
        }
    }
}

void blocked_copy(const chain_step *s) {
    over_rows(s, s->images * s->channels, 2.0 * (double)LANES, copy_task);
}

/* Local response normalization across channels, a row at a time: y = x (k + alpha / size * the sum
 * of squares over `size` channels)^-beta. */

static void lrn_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    range r = range_of(job, task, 1);
    idx channels = s->channels * LANES, side = (s->size - 1) / 2;
    real squares[channels + 2 * side], scale[channels], factor[channels];
    real part = (real)s->alpha / (real)s->size, k = (real)s->k;
    memset(squares, 0, sizeof squares);
    for (idx i = r.first; i < r.last; i++)
        for (idx j = 0; j < s->out_width; j++) {
            const real *x = row_of(&s->x, r, i) + j * LANES;
            real *y = row_of(&s->y, r, i) + j * LANES;
            for (idx b = 0; b < s->channels; b++) {
                vec v = load(x + b * s->x.block);
                store(squares + side + b * LANES, v * v);
            }
            for (idx c = 0; c < channels; c += LANES) {
                vec sum = {0};
                for (idx o = 0; o < s->size; o++) sum += load(squares + c + o);
                store(scale + c, k + part * sum);
            }
            negative_power(scale, (real)s->beta, channels, factor);
            for (idx b = 0; b < s->channels; b++)
                store(y + b * s->y.block, load(x + b * s->x.block) * load(factor + b * LANES));
        }
}

void blocked_lrn(const chain_step *s) {
    over_rows(s, s->images, 6.0 * (double)s->channels, lrn_task);
}

/* From and to the plain layout (N, C, H, W) at `plain`, with C = count. */
static void from_plain_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    range r = range_of(job, task, s->channels);
    idx pixels = s->out_height * s->out_width, first = r.block * LANES;
    const real *plain = s->plain + (r.image * s->count + first) * pixels;
    for (idx i = r.first; i < r.last; i++) {
        real *y = row_of(&s->y, r, i);
        for (idx j = 0; j < s->out_width; j++)
            for (idx c = 0; c < LANES; c++)
                y[j * LANES + c] =
                    first + c < s->count ? plain[c * pixels + i * s->out_width + j] : 0;
    }
}

void blocked_from_plain(const chain_step *s) {
    over_rows(s, s->images * s->channels, (double)LANES, from_plain_task);
}

static void to_plain_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    range r = range_of(job, task, s->channels);
    idx pixels = s->out_height * s->out_width, first = r.block * LANES;
    idx channels = min_idx(LANES, s->count - first);
    real *plain = s->plain + (r.image * s->count + first) * pixels;
    for (idx i = r.first; i < r.last; i++) {
        const real *x = row_of(&s->x, r, i);
        for (idx c = 0; c < channels; c++)
            for (idx j = 0; j < s->out_width; j++)
                plain[c * pixels + i * s->out_width + j] = x[j * LANES + c];
    }
}

void blocked_to_plain(const chain_step *s) {
    over_rows(s, s->images * s->channels, (double)LANES, to_plain_task);
}

/* Planes (planes.h) of each of `count` channels of the plain image, for planar_convolution(). */
static void planes_task(void *context, idx task, int thread) {
    (void)thread;
    const element_job *job = context;
    const chain_step *s = job->s;
    fill_planes(s->plain + task * s->height * s->width, s->y.data + task * planes_size(&job->h, &job->w),
                &job->h, &job->w);
}

void planes_from_plain(const chain_step *s) {
    element_job job = {.s = s};
    axis_for_taps(&job.h, s->height, s->out_height, s->kernel_h, s->stride_h, s->pad_h,
                  s->dilation_h);
    axis_for_taps(&job.w, s->width, s->out_width, s->kernel_w, s->stride_w, s->pad_w, s->dilation_w);
    double pixels = (double)(s->images * s->count * s->height * s->width);
    parallel(s->images * s->count, pixels, planes_task, &job);
}

/* Zeros in the halo of y, pad_h rows and pad_w columns on each side. */
void clear_halo(const chain_step *s) {
    idx side = s->pad_w * LANES, line = s->out_width * LANES, row = s->y.row;
    for (idx plane = 0; plane < s->images * s->outputs; plane++) {
        real *y = s->y.data + plane / s->outputs * s->y.image + plane % s->outputs * s->y.block;
        real *above = y - s->pad_h * row - side, *below = y + s->out_height * row - side;
        memset(above, 0, (size_t)(s->pad_h * row) * sizeof(real));
        memset(below, 0, (size_t)(s->pad_h * row) * sizeof(real));
        for (idx i = 0; i < s->out_height; i++) {
            memset(y + i * row - side, 0, (size_t)side * sizeof(real));
            memset(y + i * row + line, 0, (size_t)side * sizeof(real));
        }
    }
}

/* The gradient of a convolution's input: a convolution of dy with flipped, transposed weights.
 *
 * With stride s, the pixels h of dx with the same h mod s (a phase) use the same taps. Each phase
 * is therefore a stride-1 convolution with those taps, whose results are written s pixels apart. */
#include "plan.h"

#include "direct.h"
#include "implicit.h"

#define MAX_TAPS 256

/* One axis of one phase of dx, the pixels r, r + s, ...: tap[t] multiplies dy[v + shift[t]] for the
 * v-th pixel. */
typedef struct {
    idx count, taps;
    int tap[MAX_TAPS];
    idx shift[MAX_TAPS];
} phase_axis;

typedef struct {
    const convolution_plan *plan;
    const real *dy, *weight;
    real *dx, *scratch, *transposed; /* weights per group and phase, channels x (outputs, taps) */
    axis h, w;                   /* of dy, padded as far as any tap reaches */
    idx lowest_h, lowest_w, image_size, planes, thread_scratch, run, runs, row_parts;
} data_job;

static void describe_phase(phase_axis *a, idx r, idx size, idx kernel, idx stride, idx pad,
                           idx dilation) {
    a->count = r < size ? ceil_div(size - r, stride) : 0;
    a->taps = 0;
    for (idx tap = 0; tap < kernel; tap++) {
        idx reach = r + pad - tap * dilation;
        if (reach % stride) continue;
        a->tap[a->taps] = (int)tap;
        a->shift[a->taps++] = reach / stride;
    }
}

static void phase_axes(const convolution_plan *p, idx rh, idx rw, phase_axis *h, phase_axis *w) {
    describe_phase(h, rh, p->height, p->kernel_h, p->stride_h, p->pad_h, p->dilation_h);
    describe_phase(w, rw, p->width, p->kernel_w, p->stride_w, p->pad_w, p->dilation_w);
}

/* The axis of dy, padded to hold every pixel that any phase reads; returns the lowest position. */
static idx reach_of(axis *a, idx size, idx kernel, idx stride, idx pad, idx dilation, idx output) {
    idx lowest = 0, highest = 0;
    for (idx r = 0; r < min_idx(stride, size); r++) {
        phase_axis phase;
        describe_phase(&phase, r, size, kernel, stride, pad, dilation);
        for (idx t = 0; t < phase.taps; t++) {
            lowest = min_idx(lowest, phase.shift[t]);
            highest = max_idx(highest, phase.shift[t] + phase.count);
        }
    }
    axis_plain(a, output, -lowest, highest - lowest);
    return lowest;
}

static void prepare(data_job *job, const convolution_plan *p) {
    job->plan = p;
    job->lowest_h = reach_of(&job->h, p->height, p->kernel_h, p->stride_h, p->pad_h, p->dilation_h,
                             p->out_height);
    job->lowest_w = reach_of(&job->w, p->width, p->kernel_w, p->stride_w, p->pad_w, p->dilation_w,
                             p->out_width);
    idx outputs = p->outputs / p->group;
    job->image_size = outputs * planes_size(&job->h, &job->w);
    idx pixels = ceil_div(p->height, p->stride_h) * ceil_div(p->width, p->stride_w);
    job->run = min_idx(p->images, max_idx(1, CHUNK_WIDTH / pixels));
    job->runs = ceil_div(p->images, job->run);
    idx wanted = ceil_div(3 * pool_threads(), job->runs * p->group);
    job->row_parts = pool_threads() == 1 ? 1
        : max_idx(1, min_idx(wanted, p->channels / p->group / (4 * TILE_ROWS)));
    job->planes = ceil_div(job->run * job->image_size + 2 * LANES, 16) * 16;
    idx depth = outputs * plan_taps(p);
    idx bases = depth * (idx)(sizeof(idx) / sizeof(real));
    job->thread_scratch = ceil_div(job->planes + implicit_scratch(depth) + bases, 16) * 16;
}

/* Taps of all phases before (rh, rw): where its rows begin in a group's part of `transposed`, in
 * units of channels x outputs. */
static idx taps_before(const convolution_plan *p, idx rh, idx rw) {
    idx total = 0;
    for (idx i = 0; i < p->stride_h; i++)
        for (idx j = 0; j < p->stride_w; j++) {
            phase_axis h, w;
            if (i == rh && j == rw) return total;
            phase_axes(p, i, j, &h, &w);
            total += h.taps * w.taps;
        }
    return total;
}

/* The weights of one channel, from (outputs, channels, taps) to phases of (channels, outputs,
 * taps). */
static void transpose_task(void *context, idx task, int thread) {
    (void)thread;
    const data_job *job = context;
    const convolution_plan *p = job->plan;
    idx channels = p->channels / p->group, outputs = p->outputs / p->group, taps = plan_taps(p);
    idx c = task % channels, group = task / channels;
    for (idx rh = 0; rh < p->stride_h; rh++)
        for (idx rw = 0; rw < p->stride_w; rw++) {
            phase_axis h, w;
            phase_axes(p, rh, rw, &h, &w);
            idx depth = outputs * h.taps * w.taps;
            real *row = job->transposed + group * channels * outputs * taps +
                        taps_before(p, rh, rw) * channels * outputs + c * depth;
            for (idx o = 0; o < outputs; o++) {
                const real *kernel = job->weight + ((group * outputs + o) * channels + c) * taps;
                for (idx i = 0; i < h.taps; i++)
                    for (idx j = 0; j < w.taps; j++)
                        *row++ = kernel[h.tap[i] * p->kernel_w + w.tap[j]];
            }
        }
}

static void phase_product(const data_job *job, implicit_product *product, idx rh, idx rw, idx group,
                          idx first, idx *base) {
    const convolution_plan *p = job->plan;
    idx channels = p->channels / p->group, outputs = p->outputs / p->group;
    phase_axis h, w;
    phase_axes(p, rh, rw, &h, &w);
    product->depth = outputs * h.taps * w.taps;
    product->height = h.count;
    product->width = w.count;
    product->left = job->transposed + group * channels * outputs * plan_taps(p) +
                    taps_before(p, rh, rw) * channels * outputs;
    product->target = job->dx + rh * p->width + rw +
                      (first * p->channels + group * channels) * p->height * p->width;
    for (idx o = 0; o < outputs; o++)
        for (idx i = 0; i < h.taps; i++)
            for (idx j = 0; j < w.taps; j++)
                *base++ = o * planes_size(&job->h, &job->w) +
                          (h.shift[i] - job->lowest_h) * job->w.count + w.shift[j] - job->lowest_w;
}

/* Zeros for a phase without taps. */
static void clear_phase(const implicit_product *product) {
    for (idx image = 0; image < product->images; image++)
        for (idx row = 0; row < product->rows; row++)
            for (idx i = 0; i < product->height; i++)
                for (idx j = 0; j < product->width; j++)
                    product->target[image * product->target_image + row * product->target_row +
                                    i * product->target_h + j * product->target_w] = 0;
}

static void data_task(void *context, idx task, int thread) {
    const data_job *job = context;
    const convolution_plan *p = job->plan;
    idx row_part = task % job->row_parts, group = task / job->row_parts % p->group;
    idx first = task / job->row_parts / p->group * job->run;
    idx images = min_idx(job->run, p->images - first);
    idx channels = p->channels / p->group, outputs = p->outputs / p->group;
    idx pixels = p->out_height * p->out_width, plane = planes_size(&job->h, &job->w);
    real *scratch = job->scratch + thread * job->thread_scratch;
    idx *base = (idx *)(scratch + job->planes);
    idx depth = outputs * plan_taps(p);
    real *packed = (real *)(base + depth);

    for (idx image = 0; image < images; image++)
        for (idx o = 0; o < outputs; o++)
            fill_planes(job->dy + ((first + image) * p->outputs + group * outputs + o) * pixels,
                        scratch + image * job->image_size + o * plane, &job->h, &job->w);
    idx tiles = ceil_div(channels, TILE_ROWS);
    idx row_from = tiles * row_part / job->row_parts * TILE_ROWS;
    idx row_to = min_idx(tiles * (row_part + 1) / job->row_parts * TILE_ROWS, channels);
    for (idx rh = 0; rh < min_idx(p->stride_h, p->height); rh++)
        for (idx rw = 0; rw < min_idx(p->stride_w, p->width); rw++) {
            implicit_product product = {
                .base = base,
                .planes = scratch,
                .image_size = job->image_size,
                .pitch = job->w.count,
                .images = images,
                .rows = channels,
                .target_image = p->channels * p->height * p->width,
                .target_row = p->height * p->width,
                .target_h = p->stride_h * p->width,
                .target_w = p->stride_w,
            };
            phase_product(job, &product, rh, rw, group, first, base);
            if (product.depth)
                implicit_run(&product, 0, images * product.height * product.width, row_from, row_to,
                             packed);
            else if (!row_part)
                clear_phase(&product);
        }
}

/* Elements of scratch that convolution_grad_data() needs, or 0 if it cannot be used. */
API idx convolution_grad_data_scratch(const convolution_plan *p) {
    if (!plan_suits(p)) return 0;
    if (direct_suits(p)) return direct_scratch(p);
    if (p->kernel_h > MAX_TAPS || p->kernel_w > MAX_TAPS) return 0;
    data_job job;
    prepare(&job, p);
    return pool_threads() * job.thread_scratch + p->outputs * p->channels / p->group * plan_taps(p);
}

API void convolution_grad_data(const convolution_plan *p, const real *dy, const real *weight,
                               real *dx, real *scratch) {
    if (direct_suits(p)) {
        direct_grad_data(p, dy, weight, dx, scratch);
        return;
    }
    data_job job = {.dy = dy, .weight = weight, .dx = dx, .scratch = scratch};
    prepare(&job, p);
    job.transposed = scratch + pool_threads() * job.thread_scratch;
    double weights = (double)p->outputs * p->channels / p->group * plan_taps(p);
    parallel(p->channels, weights, transpose_task, &job);
    parallel(job.runs * p->group * job.row_parts, plan_work(p), data_task, &job);
}

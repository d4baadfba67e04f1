/* Convolution: the weights times an implicit im2col matrix of the planes (see implicit.h). */
#include "plan.h"

#include "direct.h"
#include "implicit.h"

typedef struct {
    const convolution_plan *plan;
    const real *x, *weight, *bias;
    real *y, *scratch;
    axis h, w;
    int pointwise; /* x is read in place, without planes */
    idx plane, image_size, planes, thread_scratch;
    idx run, runs, column_parts, row_parts;
    const idx *base;
} forward_job;

/* Division of the work: runs of images that fill tiles, then columns, then rows. */
static void cut(forward_job *job) {
    const convolution_plan *p = job->plan;
    idx pixels = p->out_height * p->out_width;
    job->run = min_idx(p->images, max_idx(1, CHUNK_WIDTH / pixels));
    job->runs = ceil_div(p->images, job->run);
    job->column_parts = job->row_parts = 1;
    idx wanted = ceil_div(3 * pool_threads(), job->runs * p->group);
    if (wanted > 1 && pool_threads() > 1) {
        job->column_parts = min_idx(wanted, ceil_div(job->run * pixels, CHUNK_WIDTH));
        job->row_parts = min_idx(ceil_div(wanted, job->column_parts),
                                 ceil_div(p->outputs / p->group, 4 * TILE_ROWS));
    }
}

static void prepare(forward_job *job, const convolution_plan *p) {
    job->plan = p;
    plan_axes(p, &job->h, &job->w);
    job->pointwise = plan_pointwise(p);
    idx channels = p->channels / p->group;
    job->plane = job->pointwise ? p->height * p->width : planes_size(&job->h, &job->w);
    job->image_size = (job->pointwise ? p->channels : channels) * job->plane;
    cut(job);
    job->planes = job->pointwise ? 0 : job->run * job->image_size + 2 * LANES;
    job->thread_scratch =
        ceil_div(job->planes + implicit_scratch(channels * plan_taps(p)), 16) * 16;
}

static void forward_task(void *context, idx task, int thread) {
    const forward_job *job = context;
    const convolution_plan *p = job->plan;
    idx row_part = task % job->row_parts;
    idx column_part = task / job->row_parts % job->column_parts;
    idx group = task / job->row_parts / job->column_parts % p->group;
    idx first = task / job->row_parts / job->column_parts / p->group * job->run;
    idx images = min_idx(job->run, p->images - first);
    idx channels = p->channels / p->group, outputs = p->outputs / p->group;
    idx pixels = p->out_height * p->out_width, area = p->height * p->width;
    real *scratch = job->scratch + thread * job->thread_scratch;
    const real *x = job->x + (first * p->channels + group * channels) * area;

    implicit_product product = {
        .depth = channels * plan_taps(p),
        .base = job->base,
        .planes = job->pointwise ? x : scratch,
        .image_size = job->image_size,
        .pitch = job->pointwise ? p->width : job->w.count,
        .exact = job->pointwise,
        .images = images,
        .height = p->out_height,
        .width = p->out_width,
        .rows = outputs,
        .left = job->weight + group * outputs * channels * plan_taps(p),
        .target = job->y + (first * p->outputs + group * outputs) * pixels,
        .target_image = p->outputs * pixels,
        .target_row = pixels,
        .target_h = p->out_width,
        .target_w = 1,
        .bias = job->bias ? job->bias + group * outputs : NULL,
    };
    if (!job->pointwise)
        for (idx image = 0; image < images; image++)
            for (idx c = 0; c < channels; c++)
                fill_planes(x + (image * p->channels + c) * area,
                            scratch + image * job->image_size + c * job->plane, &job->h, &job->w);
    idx vectors = ceil_div(images * pixels, LANES);
    idx from = vectors * column_part / job->column_parts * LANES;
    idx to = min_idx(vectors * (column_part + 1) / job->column_parts * LANES, images * pixels);
    idx tiles = ceil_div(outputs, TILE_ROWS);
    idx row_from = tiles * row_part / job->row_parts * TILE_ROWS;
    idx row_to = min_idx(tiles * (row_part + 1) / job->row_parts * TILE_ROWS, outputs);
    implicit_run(&product, from, to, row_from, row_to, scratch + job->planes);
}

/* Elements of scratch that convolution() needs, or 0 if it cannot be used. */
API idx convolution_scratch(const convolution_plan *p) {
    if (!plan_suits(p)) return 0;
    if (direct_suits(p)) return direct_scratch(p);
    forward_job job;
    prepare(&job, p);
    return pool_threads() * job.thread_scratch + plan_bases_size(p);
}

API void convolution(const convolution_plan *p, const real *x, const real *weight, const real *bias,
                     real *y, real *scratch) {
    if (direct_suits(p)) {
        direct_forward(p, x, weight, bias, y, scratch);
        return;
    }
    forward_job job = {.x = x, .weight = weight, .bias = bias, .y = y, .scratch = scratch};
    prepare(&job, p);
    idx *base = (idx *)(scratch + pool_threads() * job.thread_scratch);
    plan_bases(p, &job.h, &job.w, job.plane, base);
    job.base = base;
    parallel(job.runs * p->group * job.column_parts * job.row_parts, plan_work(p), forward_task,
             &job);
}

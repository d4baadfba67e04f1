/* The gradient of a convolution's weights: each tap's pixels times dy, summed over pixels.
 *
 * A tile is TILE_ROWS rows, each a (channel, tap), by up to three vectors of outputs. dy is
 * transposed first so that its outputs are contiguous; pixels of x are read singly from the planes.
 * */
#include "plan.h"

#include "direct.h"

#define IMAGE_BYTES (16 << 20) /* of planes and transposed dy at a time */
#define FLUSH_PIXELS 1024      /* per partial sum: bounds the rounding error */
#define PART_TILES 8

typedef struct {
    const convolution_plan *plan;
    const real *x, *dy;
    real *dweight, *planes, *transposed, *buffers;
    axis h, w;
    int pointwise;
    idx pitch, height, width; /* the output's pixels, as rows of the planes */
    idx plane, x_image, dy_image, panels, parts, part_tiles, chunk, first, images;
    const idx *base;
} weight_job;

INLINE idx panel_begin(const weight_job *job, idx panel) {
    idx vectors = ceil_div(job->plan->outputs / job->plan->group, LANES);
    return vectors * panel / job->panels * LANES;
}

INLINE idx padded_outputs(const convolution_plan *p) {
    return ceil_div(p->outputs / p->group, LANES) * LANES;
}

static void prepare(weight_job *job, const convolution_plan *p) {
    job->plan = p;
    plan_axes(p, &job->h, &job->w);
    job->pointwise = plan_pointwise(p);
    job->plane = job->pointwise ? p->height * p->width : planes_size(&job->h, &job->w);
    job->pitch = job->pointwise ? p->width : job->w.count;
    int unbroken = job->pitch == p->out_width;
    job->height = unbroken ? 1 : p->out_height;
    job->width = unbroken ? p->out_height * p->out_width : p->out_width;
    job->x_image = p->channels * job->plane;
    job->dy_image = p->group * padded_outputs(p) * p->out_height * p->out_width;
    job->panels = ceil_div(padded_outputs(p), TILE_WIDTH);
    idx bytes = (job->x_image + job->dy_image) * (idx)sizeof(real);
    job->chunk = min_idx(p->images, max_idx(1, IMAGE_BYTES / bytes));
    idx tiles = ceil_div(p->channels / p->group * plan_taps(p), TILE_ROWS);
    idx wanted = ceil_div(4 * pool_threads(), job->panels * p->group);
    job->part_tiles = max_idx(1, min_idx(PART_TILES, tiles / wanted));
    job->parts = ceil_div(tiles, job->part_tiles);
}

/* One image's planes, and its dy as (group, panel, pixel, output). */
static void lay_out_task(void *context, idx task, int thread) {
    (void)thread;
    const weight_job *job = context;
    const convolution_plan *p = job->plan;
    idx pixels = p->out_height * p->out_width, outputs = p->outputs / p->group;
    idx parts = p->channels + p->group * job->panels;
    idx image = task / parts, part = task % parts;
    if (part < p->channels) {
        if (!job->pointwise)
            fill_planes(job->x + ((job->first + image) * p->channels + part) * p->height * p->width,
                        job->planes + image * job->x_image + part * job->plane, &job->h, &job->w);
        return;
    }
    idx group = (part - p->channels) / job->panels, panel = (part - p->channels) % job->panels;
    idx begin = panel_begin(job, panel), width = panel_begin(job, panel + 1) - begin;
    idx output = (job->first + image) * p->outputs + group * outputs + begin;
    const real *dy = job->dy + output * pixels;
    real *transposed = job->transposed + image * job->dy_image +
                   (group * padded_outputs(p) + begin) * pixels;
    for (idx pixel = 0; pixel < pixels; pixel += 16) {
        idx count = min_idx(16, pixels - pixel);
        for (idx o = 0; o < width; o++)
            for (idx i = 0; i < count; i++)
                transposed[(pixel + i) * width + o] =
                    begin + o < outputs ? dy[o * pixels + pixel + i] : 0;
    }
}

/* sums[r][lane] += sum over height x width pixels of x[r][pixel] * dy[pixel][lane]. */
INLINE void tile_dot(int vectors, idx height, idx width, idx pitch, const real *const *x,
                     const real *dy, real *sums) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    const real *row[TILE_ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++) {
        row[r] = x[r];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sum[r][v] = (vec){0};
    }
    for (idx i = 0; i < height; i++) {
        for (idx j = 0; j < width; j++, dy += vectors * LANES) {
            vec column[TILE_VECTORS];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) column[v] = load(dy + v * LANES);
#pragma GCC unroll 8
            for (int r = 0; r < TILE_ROWS; r++) {
                vec factor = row[r][j] - (vec){0};
#pragma GCC unroll 3
                for (int v = 0; v < vectors; v++) sum[r][v] += factor * column[v];
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++) row[r] += pitch;
    }
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) {
            real *at = sums + (r * vectors + v) * LANES;
            store(at, load(at) + sum[r][v]);
        }
}

static void weight_task(void *context, idx task, int thread) {
    const weight_job *job = context;
    const convolution_plan *p = job->plan;
    idx part = task % job->parts, panel = task / job->parts % job->panels;
    idx group = task / job->parts / job->panels;
    idx channels = p->channels / p->group, outputs = p->outputs / p->group;
    idx depth = channels * plan_taps(p), pixels = p->out_height * p->out_width;
    idx begin = panel_begin(job, panel), width = panel_begin(job, panel + 1) - begin;
    idx row_first = part * job->part_tiles * TILE_ROWS;
    idx row_last = min_idx(row_first + job->part_tiles * TILE_ROWS, depth);
    real *sums = job->buffers + thread * PART_TILES * TILE_ROWS * TILE_WIDTH;
    memset(sums, 0, PART_TILES * TILE_ROWS * TILE_WIDTH * sizeof(real));

    idx whole_rows = max_idx(1, FLUSH_PIXELS / job->width);
    idx columns = min_idx(job->width, FLUSH_PIXELS);
    for (idx image = 0; image < job->images; image++) {
        const real *planes = job->pointwise
            ? job->x + ((job->first + image) * p->channels + group * channels) * job->plane
            : job->planes + image * job->x_image + group * channels * job->plane;
        const real *dy = job->transposed + image * job->dy_image +
                         (group * padded_outputs(p) + begin) * pixels;
        for (idx i = 0; i < job->height; i += whole_rows)
            for (idx j = 0; j < job->width; j += columns)
                for (idx row = row_first; row < row_last; row += TILE_ROWS) {
                    const real *x[TILE_ROWS];
                    for (idx r = 0; r < TILE_ROWS; r++)
                        x[r] = planes + job->base[min_idx(row + r, row_last - 1)] +
                               i * job->pitch + j;
                    idx high = min_idx(whole_rows, job->height - i);
                    idx wide = min_idx(columns, job->width - j);
                    const real *column = dy + (i * job->width + j) * width;
                    real *tile = sums + (row - row_first) * width;
                    if (width == 3 * LANES)
                        tile_dot(3, high, wide, job->pitch, x, column, tile);
                    else if (width == 2 * LANES)
                        tile_dot(2, high, wide, job->pitch, x, column, tile);
                    else
                        tile_dot(1, high, wide, job->pitch, x, column, tile);
                }
    }
    for (idx o = begin; o < min_idx(begin + width, outputs); o++) {
        real *out = job->dweight + (group * outputs + o) * depth;
        for (idx row = row_first; row < row_last; row++)
            out[row] += sums[(row - row_first) * width + o - begin];
    }
}

static idx buffer_size(void) { return PART_TILES * TILE_ROWS * TILE_WIDTH * pool_threads(); }

/* Elements of scratch that convolution_grad_weight() needs, or 0 if it cannot be used. */
API idx convolution_grad_weight_scratch(const convolution_plan *p) {
    if (!plan_suits(p)) return 0;
    if (direct_suits(p)) return direct_scratch(p);
    weight_job job;
    prepare(&job, p);
    return plan_bases_size(p) + buffer_size() + job.chunk * (job.x_image + job.dy_image);
}

API void convolution_grad_weight(const convolution_plan *p, const real *x, const real *dy,
                                 real *dweight, real *scratch) {
    if (direct_suits(p)) {
        direct_grad_weight(p, x, dy, dweight, scratch);
        return;
    }
    weight_job job = {.x = x, .dy = dy, .dweight = dweight};
    prepare(&job, p);
    idx *base = (idx *)scratch;
    job.base = base;
    plan_bases(p, &job.h, &job.w, job.plane, base);
    job.buffers = scratch + plan_bases_size(p);
    job.transposed = job.buffers + buffer_size();
    job.planes = job.transposed + job.chunk * job.dy_image;
    double work = plan_work(p) / (double)p->images;
    for (job.first = 0; job.first < p->images; job.first += job.chunk) {
        job.images = min_idx(job.chunk, p->images - job.first);
        parallel(job.images * (p->channels + p->group * job.panels),
                 (double)job.images * (double)(job.x_image + job.dy_image), lay_out_task, &job);
        parallel(job.parts * job.panels * p->group, work * (double)job.images, weight_task, &job);
    }
}

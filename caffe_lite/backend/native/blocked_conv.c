/* Convolution of blocked images, and of planes of a few channels, into blocked images.
 *
 * The image of outputs is cut into tiles (blocked_tile.h), the outputs into pairs of blocks. Which of
 * both is the outer loop depends on the weights: small ones stay in the cache while tiles pass,
 * large ones are read once, and the image passes for each pair. */
#include "blocked_tile.h"

#define WEIGHTS_TO_KEEP (384 << 10) /* bytes of second-level cache for all weights of a group */
#define IMAGE_PART (128 << 10)      /* bytes of x that pass for all outputs, beside the weights */

#define FEW_TILES 32                /* for which weights are fetched ahead */

typedef struct {
    const chain_step *s;
    const tile_shape *shape;
    idx height, width;                /* of the tiled image: one long row if there are no halos */
    idx lanes, apart, x_step;         /* elements: of an inner sum; between pixels; between rows */
    idx columns, tiles;               /* tiles in a row and in the image */
    idx part, parts;                  /* tiles that a task takes */
    idx pairs, inputs, outputs;       /* per group */
    idx tasks_of_outputs;             /* 1: a task computes all outputs; else one for each pair */
    epilogue end;
} conv_job;

/* The first of the pixels first ... first + size - 1 < count that tile `number` covers: the last
 * tile begins earlier instead of ending beyond the image. */
INLINE idx tile_begin(idx number, idx size, idx count) {
    return max_idx(0, min_idx(number * size, count - size));
}

static void conv_task(void *context, idx task, int thread) {
    (void)thread;
    const conv_job *job = context;
    const chain_step *s = job->s;
    const tile_shape *shape = job->shape;
    idx image = task % s->images, part = task / s->images % job->parts;
    idx rest = task / s->images / job->parts;
    idx group = rest % s->group, pair_task = rest / s->group;
    idx pair_from = job->tasks_of_outputs == 1 ? 0 : pair_task;
    idx pair_to = job->tasks_of_outputs == 1 ? job->pairs : pair_task + 1;
    idx from = part * job->part, to = min_idx(from + job->part, job->tiles);
    const real *x = s->x.data + image * s->x.image + group * job->inputs * s->x.block;
    blocked_tile t = {.x_row = job->x_step, .offset = s->offset, .depth = s->depth,
                      .z_block = s->z.block, .z_row = s->z.row, .y_block = s->y.block,
                      .y_row = s->y.row, .end = job->end};
    for (idx pair = pair_from; pair < pair_to; pair++) {
        idx output = group * job->outputs + 2 * pair;
        int two = 2 * pair + 1 < job->outputs;
        tile_kernel *kernel = shape->kernel[two];
        real *y = s->y.data + image * s->y.image + output * s->y.block;
        const real *z = s->z.data ? s->z.data + image * s->z.image + output * s->z.block : NULL;
        t.weight = s->weight + output * s->depth * job->lanes * LANES;
        t.bias = s->bias ? s->bias + output * LANES : NULL;
        t.slopes = s->slopes ? s->slopes + output * LANES : NULL;
        /* The next pair's weights come from memory while this pair's tiles are computed. */
        idx lines = 2 * job->lanes * LANES / CACHE_LINE, tiles = to - from;
        t.ahead = t.weight + 2 * s->depth * job->lanes * LANES;
        t.ahead_lines = two && tiles <= FEW_TILES ? ceil_div(lines, tiles) : 0;
        for (idx tile = from; tile < to; tile++, t.ahead += t.ahead_lines * s->depth * CACHE_LINE) {
            idx i = tile_begin(tile / job->columns, shape->rows, job->height);
            idx j = tile_begin(tile % job->columns, shape->columns, job->width);
            t.rows = (int)min_idx(shape->rows, job->height - i);
            t.columns = (int)min_idx(shape->columns, job->width - j);
            t.x = x + i * job->x_step + j * job->apart;
            t.y = y + i * s->y.row + j * LANES;
            t.z = z ? z + i * s->z.row + j * LANES : NULL;
            kernel(&t);
        }
    }
}

static void convolve(const chain_step *s, const tile_shape *table, idx lanes, idx apart) {
    conv_job job = {.s = s, .lanes = lanes, .apart = apart, .x_step = s->stride_h * s->x.row,
                    .height = s->out_height, .width = s->out_width, .end = epilogue_of(s)};
    idx taps = s->kernel_h * s->kernel_w, line = s->out_width * LANES;
    int flat = lanes > 1 && taps == 1 && s->stride_h == 1 && s->x.row == line && s->y.row == line &&
               (!s->z.data || s->z.row == line);
    if (flat) {
        job.width *= job.height;
        job.height = 1;
    }
    if (lanes == 1) job.x_step = s->x.row; /* planes have a row for each row of y */
    job.shape = tile_for(table, job.height, job.width);
    job.columns = ceil_div(job.width, job.shape->columns);
    job.tiles = job.columns * ceil_div(job.height, job.shape->rows);
    job.inputs = s->channels / s->group;
    job.outputs = s->outputs / s->group;
    job.pairs = ceil_div(job.outputs, 2);
    idx sums = s->depth * lanes;
    idx weights = job.outputs * LANES * sums * (idx)sizeof(real);
    idx tasks = 6 * pool_threads();
    job.part = job.tiles;
    job.tasks_of_outputs = job.pairs;
    if (weights <= WEIGHTS_TO_KEEP) {
        idx bytes = job.shape->rows * job.shape->columns * job.inputs * s->stride_h *
                    s->stride_w * LANES * (idx)sizeof(real);
        idx wanted = ceil_div(job.tiles * s->images * s->group, tasks);
        job.part = max_idx(1, min_idx(ceil_div(IMAGE_PART, max_idx(1, bytes)), wanted));
        job.tasks_of_outputs = 1;
        if (job.part < 4 && job.pairs > 1) { /* few tiles: divide the outputs as well */
            job.part = min_idx(job.tiles, 4);
            job.tasks_of_outputs = job.pairs;
        }
    } else if (job.pairs * s->images * s->group < tasks) {
        job.part = ceil_div(job.tiles, ceil_div(tasks, job.pairs * s->images * s->group));
    }
    job.parts = ceil_div(job.tiles, job.part);
    double work = (double)(s->images * s->out_height * s->out_width * s->outputs) * (double)sums / 8;
    parallel(s->images * s->group * job.parts * job.tasks_of_outputs, work, conv_task, &job);
}

void blocked_convolution(const chain_step *s) {
    if (s->stride_w == 1)
        convolve(s, tiles_one, LANES, LANES);
    else
        convolve(s, tiles_two, LANES, 2 * LANES);
}

/* x: planes as fill_planes() leaves them; `channels` is 1. */
void planar_convolution(const chain_step *s) { convolve(s, tiles_planar, 1, 1); }

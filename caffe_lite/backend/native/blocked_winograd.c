/* 3x3 convolution with stride 1 of blocked images by minimal filtering, F(2x2, 3x3): 16 products
 * for 4 outputs, where the direct sum has 36 (Winograd, 1980; Lavin and Gray, Fast Algorithms for
 * Convolutional Neural Networks, CVPR 2016).
 *
 * y = A' [(G w G') * (B' x B)] A over squares of 4x4 inputs and 2x2 outputs, 2 apart. The products
 * are 16 matrix products over channels, one for each place in the square, that run on the kernels of
 * blocked_tile.h. A task transforms some squares, then takes pair after pair of blocks of outputs.
 * Errors are about those of the direct sum: the factors of A and B are 0 and 1. NaN stays where the
 * direct sum has it; infinity may become NaN. */
#include "blocked_tile.h"

#define PLACES 16

typedef struct {
    const chain_step *s;
    const tile_shape *shape;
    idx across, squares;       /* in a row and in an image */
    idx run, runs;             /* squares of a task */
    idx pairs, pair_parts;
    idx scratch;               /* elements of a thread */
    const idx *offset;
    epilogue end;
} winograd_job;

/* The squares of one block of channels, as vectors to[place * apart + n * LANES]. */
static void transform(const winograd_job *job, const real *x, idx first, idx count, real *to,
                      idx apart) {
    idx row = job->s->x.row, height = job->s->height;
    for (idx n = 0; n < count; n++, to += LANES) {
        idx i = (first + n) / job->across * 2, j = (first + n) % job->across * 2;
        const real *from = x + i * row + j * LANES;
        /* Below an image of odd height, where no memory may be, only unwritten outputs look. */
        idx last = (i + 2 > height ? 2 : 3) * row;
        vec d[4][4];
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) {
            vec a = load(from + c * LANES), b = load(from + row + c * LANES);
            vec e = load(from + 2 * row + c * LANES), f = load(from + last + c * LANES);
            d[0][c] = a - e;
            d[1][c] = b + e;
            d[2][c] = e - b;
            d[3][c] = b - f;
        }
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            store(to + (4 * r + 0) * apart, d[r][0] - d[r][2]);
            store(to + (4 * r + 1) * apart, d[r][1] + d[r][2]);
            store(to + (4 * r + 2) * apart, d[r][2] - d[r][1]);
            store(to + (4 * r + 3) * apart, d[r][1] - d[r][3]);
        }
    }
}

/* Writes the outputs of squares from products from[place * apart + n * LANES]. */
static void gather(const winograd_job *job, const real *from, idx apart, idx first, idx count,
                   vec bias, vec slopes, const real *z, real *y) {
    const chain_step *s = job->s;
    for (idx n = 0; n < count; n++, from += LANES) {
        idx i = (first + n) / job->across * 2, j = (first + n) % job->across * 2;
        vec m[2][4];
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) {
            vec a = load(from + c * apart), b = load(from + (4 + c) * apart);
            vec e = load(from + (8 + c) * apart), f = load(from + (12 + c) * apart);
            m[0][c] = a + b + e;
            m[1][c] = b - e - f;
        }
#pragma GCC unroll 2
        for (int r = 0; r < 2; r++) {
            if (i + r >= s->out_height) continue;
            vec v[2] = {m[r][0] + m[r][1] + m[r][2] + bias, m[r][1] - m[r][2] - m[r][3] + bias};
#pragma GCC unroll 2
            for (int c = 0; c < 2; c++) {
                if (j + c >= s->out_width) continue;
                if (z) v[c] += load(z + (i + r) * s->z.row + (j + c) * LANES);
                store(y + (i + r) * s->y.row + (j + c) * LANES, activate(job->end, v[c], slopes));
            }
        }
    }
}

/* The 16 products of one pair of blocks of outputs: products[place][block][square]. */
static void multiply(const winograd_job *job, const real *squares, idx count, const real *weight,
                     int two, real *products) {
    const chain_step *s = job->s;
    const tile_shape *shape = job->shape;
    idx line = job->run * LANES, sums = s->channels * LANES * LANES * (1 + two);
    blocked_tile t = {.offset = job->offset, .depth = s->channels, .y_block = line, .rows = 1,
                      .end = {ACT_NONE, 0, 0, 0}};
    idx tiles = ceil_div(count, shape->columns), lines = ceil_div(2 * LANES * LANES / CACHE_LINE, tiles);
    for (idx place = 0; place < PLACES; place++, weight += sums) {
        t.weight = t.ahead = weight;
        if (tiles <= 8) {
            t.ahead = weight + 2 * sums;
            t.ahead_lines = lines;
        }
        for (idx tile = 0; tile < tiles; tile++, t.ahead += t.ahead_lines * s->channels * CACHE_LINE) {
            idx at = max_idx(0, min_idx(tile * shape->columns, count - shape->columns));
            t.columns = (int)min_idx(shape->columns, count - at);
            t.x = squares + place * s->channels * line + at * LANES;
            t.y = products + place * 2 * line + at * LANES;
            shape->kernel[two](&t);
        }
    }
}

static void winograd_task(void *context, idx task, int thread) {
    const winograd_job *job = context;
    const chain_step *s = job->s;
    idx part = task % job->pair_parts, run = task / job->pair_parts % job->runs;
    idx image = task / job->pair_parts / job->runs;
    idx first = run * job->run, count = min_idx(job->run, job->squares - first);
    idx line = job->run * LANES;
    real *squares = s->scratch + thread * job->scratch;
    real *products = squares + PLACES * s->channels * line;
    /* The first square begins one pixel above and left of the image. */
    const real *x = s->x.data + image * s->x.image - s->x.row - LANES;
    for (idx block = 0; block < s->channels; block++)
        transform(job, x + block * s->x.block, first, count, squares + block * line,
                  s->channels * line);
    for (idx pair = job->pairs * part / job->pair_parts;
         pair < job->pairs * (part + 1) / job->pair_parts; pair++) {
        int two = 2 * pair + 1 < s->outputs;
        multiply(job, squares, count,
                 s->weight + 2 * pair * PLACES * s->channels * LANES * LANES, two, products);
        for (int b = 0; b <= two; b++) {
            idx output = 2 * pair + b;
            gather(job, products + b * line, 2 * line, first, count,
                   s->bias ? load(s->bias + output * LANES) : (vec){0},
                   s->slopes ? load(s->slopes + output * LANES) : (vec){0},
                   s->z.data ? s->z.data + image * s->z.image + output * s->z.block : NULL,
                   s->y.data + image * s->y.image + output * s->y.block);
        }
    }
}

/* `size` squares are transformed at a time; `scratch` has 16 * size * (channels + 2) vectors for
 * each of `count` threads; `offset` is size * LANES times 0, 1, ... channels - 1. */
void blocked_winograd(const chain_step *s) {
    winograd_job job = {.s = s, .run = s->size, .offset = s->offset, .end = epilogue_of(s)};
    job.across = ceil_div(s->out_width, 2);
    job.squares = job.across * ceil_div(s->out_height, 2);
    job.runs = ceil_div(job.squares, job.run);
    job.pairs = ceil_div(s->outputs, 2);
    idx wanted = ceil_div(2 * pool_threads(), job.runs * s->images);
    job.pair_parts = pool_threads() > 1 ? min_idx(job.pairs, wanted) : 1;
    job.scratch = PLACES * job.run * (s->channels + 2) * LANES;
    job.shape = tile_for(tiles_one, 1, min_idx(job.run, job.squares));
    double work = (double)(s->images * job.squares * s->outputs * s->channels * LANES) * 4;
    idx tasks = s->images * job.runs * job.pair_parts;
    if (pool_threads() <= s->count)
        parallel(tasks, work, winograd_task, &job);
    else /* the pool has grown since the scratch memory was laid out */
        for (idx task = 0; task < tasks; task++) winograd_task(&job, task, 0);
}

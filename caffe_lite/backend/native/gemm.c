/* out = op(a) op(b), or out += op(a) op(b).
 *
 * One operand supplies rows that are contiguous along the sum, the other vectors across it. If b is
 * transposed and out is wide, b supplies the rows and the tiles are stored transposed:
 * the weights of a layer are then read once and in place, however few items the batch has. */
#include "narrow.h"
#include "thin.h"
#include "tile.h"

#define DEPTH_BLOCK 800
#define LONG_BLOCK 2400 /* for outputs one tile wide, whose rows are streamed in long runs */
#define DEPTH_UNPACKED 64 /* rows of an unpacked right-hand strip that fit the first-level cache */
#define CHUNK_WIDTH (4 * TILE_WIDTH)
#define MOST_STRIPS 16

typedef struct {
    idx rows, width, depth;
    const real *left; /* (r, k) at r * left_stride + k, transposed at k * left_stride + r */
    idx left_stride;
    int left_transposed;
    const real *right; /* (k, w) at k * right_stride + w, transposed at w * right_stride + k */
    idx right_stride;
    int right_transposed;
    real *out; /* (r, w) at r * row_step + w * column_step; one of the steps is 1 */
    idx row_step, column_step;
    int transposed, accumulate, unpacked;
    idx block, chunk, row_parts, k_first, k_last;
    real *rows_packed, *scratch;
    idx thread_scratch;
} gemm_job;

static void pack_strip(const gemm_job *job, idx k, idx depth, idx first, idx columns, idx width,
                       real *packed) {
    if (job->right_transposed) {
        for (idx w = 0; w < columns; w++) {
            const real *from = job->right + (first + w) * job->right_stride + k;
            for (idx i = 0; i < depth; i++) packed[i * width + w] = from[i];
        }
    } else {
        for (idx i = 0; i < depth; i++) {
            const real *from = job->right + (k + i) * job->right_stride + first;
            memcpy(packed + i * width, from, (size_t)columns * sizeof(real));
        }
    }
    for (idx i = 0; columns < width && i < depth; i++)
        for (idx w = columns; w < width; w++) packed[i * width + w] = 0;
}

static void put_tile(const gemm_job *job, idx row, idx rows, idx first, idx columns,
                     const real *sums, int add) {
    if (!job->transposed) {
        for (idx r = 0; r < rows; r++, sums += TILE_WIDTH) {
            real *to = job->out + (row + r) * job->row_step + first;
            idx w = 0;
            for (; w + LANES <= columns; w += LANES)
                store(to + w, add ? load(to + w) + load(sums + w) : load(sums + w));
            for (; w < columns; w++) to[w] = add ? to[w] + sums[w] : sums[w];
        }
        return;
    }
    for (idx w = 0; w < columns; w++) {
        real *to = job->out + (first + w) * job->column_step + row;
        for (idx r = 0; r < rows; r++)
            to[r] = add ? to[r] + sums[r * TILE_WIDTH + w] : sums[r * TILE_WIDTH + w];
    }
}

/* One strip of columns, for rows row_first ... row_last - 1. */
static void strip(const gemm_job *job, idx k, idx depth, idx first, idx columns, int vectors,
                  const real *right, idx right_step, idx row_first, idx row_last) {
    const real *a[TILE_ROWS];
    real sums[TILE_ROWS * TILE_WIDTH_MAX];
    int add = job->accumulate || k > 0;
    for (idx row = row_first; row < row_last; row += TILE_ROWS) {
        idx rows = min_idx(TILE_ROWS, row_last - row);
        for (idx r = 0; r < TILE_ROWS; r++) {
            idx at = row + min_idx(r, rows - 1);
            a[r] = job->left_transposed ? job->rows_packed + at * (job->k_last - job->k_first) +
                                          (k - job->k_first)
                                    : job->left + at * job->left_stride + k;
        }
        tile_product((int)rows, vectors, depth, a, right, right_step, sums);
        put_tile(job, row, rows, first, columns, sums, add);
    }
}

/* All strips of a chunk of columns for one block of the sum. They are packed together and then
 * multiplied, so that each row is read once per chunk. */
static void packed_chunk(const gemm_job *job, idx k, idx depth, idx first, idx last, idx row_first,
                         idx row_last, real *scratch) {
    idx vectors = ceil_div(last - first, LANES), count = ceil_div(vectors, TILE_VECTORS);
    idx begin[MOST_STRIPS], wide[MOST_STRIPS];
    real *packed[MOST_STRIPS];
    for (idx n = 0; n < count; n++) {
        begin[n] = first;
        wide[n] = ceil_div(vectors, count - n);
        packed[n] = scratch;
        idx columns = min_idx(wide[n] * LANES, last - first);
        pack_strip(job, k, depth, first, columns, wide[n] * LANES, scratch);
        scratch += depth * wide[n] * LANES;
        first += columns;
        vectors -= wide[n];
    }
    for (idx row = row_first; row < row_last; row += TILE_ROWS)
        for (idx n = 0; n < count; n++)
            strip(job, k, depth, begin[n], min_idx(wide[n] * LANES, last - begin[n]), (int)wide[n],
                  packed[n], wide[n] * LANES, row, min_idx(row + TILE_ROWS, row_last));
}

/* For few rows, where packing the right-hand side would cost as much as the product. */
static void unpacked_chunk(const gemm_job *job, idx k, idx depth, idx first, idx last,
                           idx row_first, idx row_last, real *scratch) {
    for (; first + TILE_WIDTH <= last; first += TILE_WIDTH) {
        const real *right = job->right + k * job->right_stride + first;
        for (idx i = 0; i < depth && first + 2 * TILE_WIDTH <= last; i++)
            for (idx w = 0; w < TILE_WIDTH; w += 64 / (idx)sizeof(real))
                __builtin_prefetch(right + i * job->right_stride + TILE_WIDTH + w);
        strip(job, k, depth, first, TILE_WIDTH, TILE_VECTORS, right, job->right_stride, row_first,
              row_last);
    }
    if (first < last) packed_chunk(job, k, depth, first, last, row_first, row_last, scratch);
}

static void gemm_task(void *context, idx task, int thread) {
    const gemm_job *job = context;
    idx part = task % job->row_parts, first = task / job->row_parts * job->chunk;
    idx last = min_idx(first + job->chunk, job->width);
    idx tiles = ceil_div(job->rows, TILE_ROWS);
    idx row_first = tiles * part / job->row_parts * TILE_ROWS;
    idx row_last = min_idx(tiles * (part + 1) / job->row_parts * TILE_ROWS, job->rows);
    real *scratch = job->scratch + thread * job->thread_scratch;
    for (idx k = job->k_first; k < job->k_last; k += job->block) {
        idx depth = min_idx(job->block, job->k_last - k);
        if (job->unpacked)
            unpacked_chunk(job, k, depth, first, last, row_first, row_last, scratch);
        else
            packed_chunk(job, k, depth, first, last, row_first, row_last, scratch);
    }
}

#define PACK_ROWS 64

static void pack_rows_task(void *context, idx task, int thread) {
    (void)thread;
    const gemm_job *job = context;
    idx depth = job->k_last - job->k_first;
    idx last = min_idx((task + 1) * PACK_ROWS, job->rows);
    for (idx k = 0; k < depth; k++) {
        const real *from = job->left + (job->k_first + k) * job->left_stride;
        for (idx r = task * PACK_ROWS; r < last; r++) job->rows_packed[r * depth + k] = from[r];
    }
}

static void cut(gemm_job *job) {
    int few_rows = job->rows <= 2 * TILE_ROWS && job->width >= TILE_WIDTH;
    job->unpacked = few_rows && !job->right_transposed;
    /* A short sum needs little packed memory per column: wide chunks make long runs in out. */
    int wide = job->unpacked || job->depth <= DEPTH_UNPACKED;
    job->chunk = wide ? MOST_STRIPS * TILE_WIDTH : CHUNK_WIDTH;
    idx chunks = ceil_div(job->width, job->chunk);
    idx parts = ceil_div(2 * pool_threads(), chunks);
    job->row_parts =
        pool_threads() == 1 ? 1 : max_idx(1, min_idx(parts, job->rows / (4 * TILE_ROWS)));
    idx most = job->width <= TILE_WIDTH && !job->left_transposed ? LONG_BLOCK : DEPTH_BLOCK;
    job->block = job->unpacked ? DEPTH_UNPACKED
                             : ceil_div(job->depth, max_idx(1, ceil_div(job->depth, most)));
    idx widest = job->unpacked ? CHUNK_WIDTH : job->chunk;
    widest = min_idx(widest, ceil_div(job->width, LANES) * LANES);
    job->thread_scratch = (job->block + 1) * widest;
}

static void describe(gemm_job *job, idx m, idx n, idx k, int trans_a, int trans_b) {
    int transposed = trans_b && (trans_a || n > m);
    *job = (gemm_job){.rows = transposed ? n : m, .width = transposed ? m : n, .depth = k};
    job->transposed = transposed;
    job->left_stride = transposed ? k : trans_a ? m : k;
    job->left_transposed = !transposed && trans_a;
    job->right_stride = transposed ? (trans_a ? m : k) : trans_b ? k : n;
    job->right_transposed = transposed ? !trans_a : trans_b;
    job->row_step = transposed ? 1 : n;
    job->column_step = transposed ? n : 1;
    cut(job);
}

/* Elements of scratch that gemm() needs. */
API idx gemm_scratch(idx m, idx n, idx k, int trans_a, int trans_b) {
    gemm_job job;
    describe(&job, m, n, k, trans_a, trans_b);
    idx packed = job.left_transposed ? job.rows * min_idx(k, DEPTH_BLOCK) : 0;
    return pool_threads() * job.thread_scratch + packed;
}

/* out (m, n) = or += op(a) (m, k) @ op(b) (k, n); all contiguous, op transposes if trans_* is set.
 * */
API void gemm(idx m, idx n, idx k, const real *a, int trans_a, const real *b, int trans_b,
              real *out, int accumulate, real *scratch) {
    gemm_job job;
    describe(&job, m, n, k, trans_a, trans_b);
    job.left = job.transposed ? b : a;
    job.right = job.transposed ? a : b;
    job.out = out;
    job.accumulate = accumulate;
    job.scratch = scratch;
    job.rows_packed = scratch + pool_threads() * job.thread_scratch;
    if (!k && !accumulate) memset(out, 0, (size_t)(m * n) * sizeof(real));
    if (job.transposed && job.right_transposed && job.width <= NARROW_WIDTH) {
        narrow_product(n, m, k, b, a, out, n, accumulate);
        return;
    }
    if (!trans_b && m && n && k && (m <= THIN_ROWS || k <= SHORT_DEPTH)) {
        thin_job thin = {.rows = m, .width = n, .depth = k, .left = a, .right = b, .out = out};
        thin.row_step = trans_a ? 1 : k;
        thin.depth_step = trans_a ? m : 1;
        thin.accumulate = accumulate;
        (m <= THIN_ROWS ? thin_product : short_product)(&thin);
        return;
    }
    double work = (double)m * (double)n * (double)k / 30.0;
    idx tasks = ceil_div(job.width, job.chunk) * job.row_parts;
    idx step = job.left_transposed ? job.block : k;
    for (job.k_first = 0; job.k_first < k; job.k_first = job.k_last) {
        job.k_last = min_idx(job.k_first + step, k);
        if (job.left_transposed)
            parallel(ceil_div(job.rows, PACK_ROWS),
                     (double)job.rows * (double)(job.k_last - job.k_first), pack_rows_task, &job);
        parallel(tasks, work, gemm_task, &job);
    }
}

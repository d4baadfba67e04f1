/* Columns are packed in panels of up to three vectors, a block of the depth at a time, and
 * multiplied with tiles of rows (tile.h). */
#include "implicit.h"

#include "tile.h"

/* Columns that are contiguous in the planes (copy, single) or in the target. */
typedef struct {
    idx column, place, length;
} span;

/* A few vectors of columns: where they are in the planes and in the target. */
typedef struct {
    idx columns; /* the remaining lanes of the vectors are padding */
    int vectors;
    int copies, singles, targets;
    span copy[TILE_WIDTH_MAX + TILE_VECTORS], single[TILE_WIDTH_MAX], target[TILE_WIDTH_MAX];
} panel;

/* Copies whole vectors: what exceeds a span is overwritten by the next span or row, or is padding.
 * With `exact` nothing beyond a span is read, and its tail is copied element by element. */
static void add_copies(panel *part, idx column, idx source, idx length, int exact) {
    for (idx i = 0; i < length; i += LANES) {
        if (!exact || i + LANES <= length) {
            part->copy[part->copies++] = (span){column + i, source + i, LANES};
            continue;
        }
        for (; i < length; i++) part->single[part->singles++] = (span){column + i, source + i, 1};
    }
}

/* Finds the spans of columns first ... first + count - 1. */
static void describe(const implicit_product *p, idx first, idx count, int vectors, panel *part) {
    part->columns = count;
    part->vectors = vectors;
    part->copies = part->singles = part->targets = 0;
    idx pixels = p->height * p->width;
    idx source_run = p->pitch == p->width ? pixels : p->width;
    idx target_run = p->target_w == 1 && p->target_h == p->width ? pixels : p->width;
    idx length;
    for (idx column = 0; column < count; column += length) {
        idx image = (first + column) / pixels, pixel = (first + column) % pixels;
        length = min_idx(source_run - pixel % source_run, count - column);
        add_copies(part, column,
                   image * p->image_size + pixel / p->width * p->pitch + pixel % p->width, length,
                   p->exact);
    }
    for (idx column = 0; column < count; column += length) {
        idx image = (first + column) / pixels, pixel = (first + column) % pixels;
        length = min_idx(target_run - pixel % target_run, count - column);
        idx place = image * p->target_image + pixel / p->width * p->target_h +
                    pixel % p->width * p->target_w;
        part->target[part->targets++] = (span){column, place, length};
    }
}

INLINE void copy_rows(const implicit_product *p, const panel *part, int copies, idx k, idx depth,
                      real *packed) {
    idx width = part->vectors * LANES;
    for (const idx *base = p->base + k, *end = base + depth; base < end; base++, packed += width) {
        const real *planes = p->planes + *base;
#pragma GCC unroll 12
        for (int n = 0; n < copies; n++)
            store(packed + part->copy[n].column, load(planes + part->copy[n].place));
        for (int n = 0; n < part->singles; n++)
            packed[part->single[n].column] = planes[part->single[n].place];
    }
}

/* packed (depth, vectors * LANES) = the panel's columns of rows k ... k + depth - 1. */
static void pack(const implicit_product *p, const panel *part, idx k, idx depth, real *packed) {
#define COPIES(n)                                    \
    case n:                                          \
        copy_rows(p, part, n, k, depth, packed); \
        break;
    switch (part->copies) {
        COPIES(1) COPIES(2) COPIES(3) COPIES(4) COPIES(5) COPIES(6)
        COPIES(7) COPIES(8) COPIES(9) COPIES(10) COPIES(11) COPIES(12)
    default: copy_rows(p, part, part->copies, k, depth, packed);
    }
    idx width = part->vectors * LANES;
    for (idx row = 0; part->columns < width && row < depth; row++)
        for (idx i = part->columns; i < width; i++) packed[row * width + i] = 0;
}

/* Writes one row of a tile to the target, or adds it. */
static void put_row(const implicit_product *p, const panel *part, idx row, const real *sums,
                    int add) {
    real bias = p->bias && !add ? p->bias[row] : 0;
    real *target = p->target + row * p->target_row;
    for (int n = 0; n < part->targets; n++) {
        const span *s = &part->target[n];
        const real *from = sums + s->column;
        real *to = target + s->place;
        idx i = 0;
        if (p->target_w == 1)
            for (; i + LANES <= s->length; i += LANES)
                store(to + i, add ? load(to + i) + load(from + i) : load(from + i) + bias);
        for (; i < s->length; i++) {
            real *one = to + i * p->target_w;
            *one = add ? *one + from[i] : from[i] + bias;
        }
    }
}

static void multiply(const implicit_product *p, const panel *part, const real *packed, idx k,
                     idx depth, idx row, idx rows) {
    const real *a[TILE_ROWS];
    real sums[TILE_ROWS * TILE_WIDTH_MAX];
    for (int r = 0; r < TILE_ROWS; r++)
        a[r] = p->left + (row + min_idx(r, rows - 1)) * p->depth + k;
    tile_product((int)rows, part->vectors, depth, a, packed, part->vectors * LANES, sums);
    for (int r = 0; r < rows; r++)
        put_row(p, part, row + r, sums + r * TILE_WIDTH, k > 0);
}

void implicit_run(const implicit_product *p, idx first, idx last, idx row_first, idx row_last,
                  real *scratch) {
    panel panels[CHUNK_PANELS];
    idx block = ceil_div(p->depth, ceil_div(p->depth, DEPTH_BLOCK));
    while (first < last) {
        idx vectors = ceil_div(min_idx(last - first, CHUNK_WIDTH), LANES);
        idx count = ceil_div(vectors, TILE_VECTORS);
        for (idx n = 0; n < count; n++) {
            idx wide = ceil_div(vectors, count - n);
            idx columns = min_idx(wide * LANES, last - first);
            describe(p, first, columns, (int)wide, &panels[n]);
            first += columns;
            vectors -= wide;
        }
        for (idx k = 0; k < p->depth; k += block) {
            idx depth = min_idx(block, p->depth - k);
            real *packed[CHUNK_PANELS], *next = scratch;
            for (idx n = 0; n < count; n++) {
                packed[n] = next;
                pack(p, &panels[n], k, depth, next);
                next += depth * panels[n].vectors * LANES;
            }
            for (idx row = row_first; row < row_last; row += TILE_ROWS)
                for (idx n = 0; n < count; n++)
                    multiply(p, &panels[n], packed[n], k, depth, row,
                             min_idx(TILE_ROWS, row_last - row));
        }
    }
}

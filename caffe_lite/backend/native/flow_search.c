/* Inverse search of patches (Kroeger et al., "Fast optical flow using dense inverse search", ECCV
 * 2016): patches on a grid find their match by gradient descent, beginning at the best of their own
 * and their neighbours' motions; a pixel's flow is the weighted mean over the patches on it. */
#include "flow_search.h"

#define STRIPE 8 /* rows of patches that take over their neighbours' motions in order */
#define LEAST 16  /* pixels of a patch inside the image that make a match */
#define FAR 1e30f

typedef struct {
    const flow_level *level;
    int descents;
    idx rows, columns, stride;
    float *gx, *gy;         /* slopes of `first`, height x width */
    float *hessian;         /* per patch: xx, xy, yy of its inverse, sums of gx, gy */
    float *u, *v;           /* per patch */
    float *error;           /* per patch: squared difference less its mean */
    float *weight;          /* height x width, of the mean over patches */
} search;

INLINE idx place(idx i, idx stride, idx size) { return min_idx(i * stride, size - PATCH); }
INLINE float limit(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

typedef struct {
    const float *at; /* top left pixel in the extended second image */
    float weights[4];
    row8 columns;    /* 1 for a column inside the image, else 0 */
    idx first, last; /* rows inside the image */
    float pixels;    /* inside the image */
} position;

/* Where a patch at (x, y) is after the motion (u, v), kept inside the extended image. */
INLINE position moved(const flow_level *level, idx x, idx y, float u, float v) {
    float px = limit((float)x + u, -(BORDER - 1), (float)(level->width + BORDER - PATCH - 2));
    float py = limit((float)y + v, -(BORDER - 1), (float)(level->height + BORDER - PATCH - 2));
    float left = floorf(px), top = floorf(py), fx = px - left, fy = py - top;
    idx column = (idx)left, row = (idx)top;
    idx from = max_idx(0, -column), to = min_idx(PATCH, level->width - 1 - column);
    position p = {.at = level->second + row * level->pitch + column,
                  .weights = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy},
                  .first = max_idx(0, -row), .last = min_idx(PATCH, level->height - 1 - row)};
    for (int lane = 0; lane < PATCH; lane++) p.columns[lane] = lane >= from && lane < to;
    p.pixels = (float)(max_idx(0, to - from) * max_idx(0, p.last - p.first));
    return p;
}

/* Row `row` of the moved patch less that of the patch in `first`; 0 outside the image. */
INLINE row8 difference(const flow_level *level, const position *there, const float *here, idx row) {
    const float *p = there->at + row * level->pitch, *q = p + level->pitch;
    row8 d = there->weights[0] * load8(p) + there->weights[1] * load8(p + 1) +
             there->weights[2] * load8(q) + there->weights[3] * load8(q + 1) -
             load8(here + row * level->pitch);
    return there->columns * d;
}

/* The squared difference less its mean, as of a whole patch; FAR with too little of it inside. */
INLINE float error_of(const position *there, float sum, float squares) {
    if (there->pixels < LEAST) return FAR;
    return (squares - sum * sum / there->pixels) * (PATCH * PATCH) / there->pixels;
}

/* The squared difference after the motion (u, v), less its mean. */
static float patch_error(const search *s, idx x, idx y, float u, float v) {
    const flow_level *level = s->level;
    const float *here = level->first + y * level->pitch + x;
    position there = moved(level, x, y, u, v);
    row8 sum = {0}, squares = {0};
    for (idx row = there.first; row < there.last; row++) {
        row8 d = difference(level, &there, here, row);
        sum += d;
        squares += d * d;
    }
    return error_of(&there, sum8(sum), sum8(squares));
}

/* One patch: gradient descent from its motion until the error no longer falls. */
static void descend(const search *s, idx patch, idx x, idx y, int steps) {
    const flow_level *level = s->level;
    const float *here = level->first + y * level->pitch + x, *h = s->hessian + 5 * patch;
    const float *gx = s->gx + y * level->width + x, *gy = s->gy + y * level->width + x;
    float u = s->u[patch], v = s->v[patch], best = FAR, best_u = u, best_v = v;
    for (int step = 0; step < steps; step++) {
        position there = moved(level, x, y, u, v);
        row8 sum = {0}, squares = {0}, along_x = {0}, along_y = {0};
        for (idx row = there.first; row < there.last; row++) {
            row8 d = difference(level, &there, here, row);
            sum += d;
            squares += d * d;
            along_x += d * load8(gx + row * level->width);
            along_y += d * load8(gy + row * level->width);
        }
        float total = sum8(sum), error = error_of(&there, total, sum8(squares));
        if (error >= best) break;
        best = error;
        best_u = u;
        best_v = v;
        float mean = total / there.pixels;
        float dx = sum8(along_x) - mean * h[3], dy = sum8(along_y) - mean * h[4];
        float du = h[0] * dx + h[1] * dy, dv = h[1] * dx + h[2] * dy;
        u -= du;
        v -= dv;
        if (du * du + dv * dv < 1e-4f) break;
    }
    float du = best_u - s->u[patch], dv = best_v - s->v[patch];
    if (du * du + dv * dv > PATCH * PATCH) return; /* lost: the match is another one */
    s->u[patch] = best_u;
    s->v[patch] = best_v;
    s->error[patch] = best;
}

static void adopt(const search *s, idx patch, idx neighbour, idx x, idx y) {
    float error = patch_error(s, x, y, s->u[neighbour], s->v[neighbour]);
    if (error < s->error[patch]) {
        s->error[patch] = error;
        s->u[patch] = s->u[neighbour];
        s->v[patch] = s->v[neighbour];
    }
}

/* The patches of one stripe, forward and then backward. */
static void search_task(void *context, idx task, int thread) {
    (void)thread;
    const search *s = context;
    idx width = s->level->width, height = s->level->height;
    idx top = task * STRIPE, bottom = min_idx(top + STRIPE, s->rows);
    for (idx i = top; i < bottom; i++)
        for (idx j = 0; j < s->columns; j++) {
            idx patch = i * s->columns + j;
            idx x = place(j, s->stride, width), y = place(i, s->stride, height);
            idx centre = (y + PATCH / 2) * width + x + PATCH / 2;
            s->u[patch] = s->level->u[centre];
            s->v[patch] = s->level->v[centre];
            s->error[patch] = patch_error(s, x, y, s->u[patch], s->v[patch]);
        }
    for (int backward = 0; backward < 2; backward++) {
        idx across = backward ? 1 : -1, down = backward ? s->columns : -s->columns;
        for (idx n = 0; n < (bottom - top) * s->columns; n++) {
            idx m = backward ? (bottom - top) * s->columns - 1 - n : n;
            idx i = top + m / s->columns, j = m % s->columns, patch = i * s->columns + j;
            idx x = place(j, s->stride, width), y = place(i, s->stride, height);
            if (j + across >= 0 && j + across < s->columns) adopt(s, patch, patch + across, x, y);
            if (backward ? i + 1 < bottom : i > top) adopt(s, patch, patch + down, x, y);
            descend(s, patch, x, y, (s->descents + !backward) / 2);
        }
    }
}

static void slopes(const search *s) {
    const flow_level *level = s->level;
    for (idx y = 0; y < level->height; y++) {
        const float *p = level->first + y * level->pitch;
        float *gx = s->gx + y * level->width, *gy = s->gy + y * level->width;
        for (idx x = 0; x < level->width; x++) {
            gx[x] = (p[x + 1] - p[x - 1]) * 0.5f;
            gy[x] = (p[x + level->pitch] - p[x - level->pitch]) * 0.5f;
        }
    }
}

/* Inverse of the matrix of the slopes' products, less their means, and their sums. */
static void prepare_task(void *context, idx i, int thread) {
    (void)thread;
    const search *s = context;
    idx width = s->level->width;
    for (idx j = 0; j < s->columns; j++) {
        idx at = place(i, s->stride, s->level->height) * width + place(j, s->stride, width);
        row8 sums[5] = {{0}};
        for (idx row = 0; row < PATCH; row++) {
            row8 gx = load8(s->gx + at + row * width), gy = load8(s->gy + at + row * width);
            sums[0] += gx * gx;
            sums[1] += gx * gy;
            sums[2] += gy * gy;
            sums[3] += gx;
            sums[4] += gy;
        }
        float x = sum8(sums[3]), y = sum8(sums[4]), n = PATCH * PATCH;
        float xx = sum8(sums[0]) - x * x / n, xy = sum8(sums[1]) - x * y / n;
        float yy = sum8(sums[2]) - y * y / n, *h = s->hessian + 5 * (i * s->columns + j);
        float determinant = xx * yy - xy * xy;
        if (determinant < 1e-3f) { /* no texture, or an edge alone */
            xx += 0.1f;
            yy += 0.1f;
            determinant = xx * yy - xy * xy;
        }
        h[0] = yy / determinant;
        h[1] = -xy / determinant;
        h[2] = xx / determinant;
        h[3] = x;
        h[4] = y;
    }
}

/* Each pixel's flow: the mean over its patches, weighted by 1 / max(1, |difference|). */
static void densify(const search *s) {
    const flow_level *level = s->level;
    idx pixels = level->height * level->width;
    memset(level->u, 0, (size_t)pixels * sizeof(float));
    memset(level->v, 0, (size_t)pixels * sizeof(float));
    memset(s->weight, 0, (size_t)pixels * sizeof(float));
    for (idx i = 0; i < s->rows; i++)
        for (idx j = 0; j < s->columns; j++) {
            idx patch = i * s->columns + j;
            idx x = place(j, s->stride, level->width), y = place(i, s->stride, level->height);
            float u = s->u[patch], v = s->v[patch];
            const float *here = level->first + y * level->pitch + x;
            position there = moved(level, x, y, u, v);
            for (idx row = 0; row < PATCH; row++) {
                row8 d = difference(level, &there, here, row), w;
                for (int lane = 0; lane < PATCH; lane++) {
                    float size = d[lane] < 0 ? -d[lane] : d[lane];
                    w[lane] = 1 / (size > 1 ? size : 1);
                }
                idx at = (y + row) * level->width + x;
                store8(s->weight + at, load8(s->weight + at) + w);
                store8(level->u + at, load8(level->u + at) + w * u);
                store8(level->v + at, load8(level->v + at) + w * v);
            }
        }
    for (idx p = 0; p < pixels; p++) {
        level->u[p] /= s->weight[p];
        level->v[p] /= s->weight[p];
    }
}

INLINE idx count(idx size, idx stride) { return ceil_div(size - PATCH, stride) + 1; }

idx flow_search_scratch(const flow_level *level, idx stride) {
    return 3 * level->height * level->width +
           8 * count(level->height, stride) * count(level->width, stride);
}

void flow_search(const flow_level *level, const flow_settings *settings, float *scratch) {
    idx pixels = level->height * level->width, stride = settings->stride;
    search s = {.level = level, .descents = settings->descents, .stride = stride,
                .rows = count(level->height, stride), .columns = count(level->width, stride)};
    idx patches = s.rows * s.columns;
    s.gx = scratch;
    s.gy = s.gx + pixels;
    s.weight = s.gy + pixels;
    s.hessian = s.weight + pixels;
    s.u = s.hessian + 5 * patches;
    s.v = s.u + patches;
    s.error = s.v + patches;
    slopes(&s);
    parallel(s.rows, 100.0 * (double)patches, prepare_task, &s);
    parallel(ceil_div(s.rows, STRIPE), 2000.0 * (double)patches, search_task, &s);
    densify(&s);
}

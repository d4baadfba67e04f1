/* Refinement of a flow: one minimizes, over small changes (du, dv), the differences of brightness
 * and of its slopes and the roughness of the flow, each under a robust root (Brox et al., "High
 * accuracy optical flow estimation based on a theory for warping", ECCV 2004), with differences
 * divided by the slopes. The linear systems are solved by red-black successive over-relaxation. */
#include "flow_refine.h"

#define SMOOTHNESS 20.0f
#define BRIGHTNESS 2.5f
#define SLOPES 10.0f
#define OMEGA 1.6f
#define SWEEPS 5
#define ROOT 1e-6f /* epsilon squared, under the roots */
#define FLAT 0.01f /* added to squared slopes that divide */

enum {
    MEAN, INSIDE, IX, IY, IZ, IXX, IXY, IYY, IXZ, IYZ, /* the images and their slopes */
    A11, A12, A22, B1, B2,                             /* the linear system */
    WEIGHT, DU, DV,                                    /* smoothness, and the change of the flow */
    PLANES
};

typedef struct {
    const flow_level *level;
    float *plane[PLANES];
    int colour;
} refinement;

/* MEAN and IZ: mean and difference of the first image and the second image warped by the flow;
 * INSIDE: 1 where the flow does not leave the image, else 0. */
static void warp_task(void *context, idx y, int thread) {
    (void)thread;
    const refinement *r = context;
    const flow_level *level = r->level;
    idx width = level->width, at = y * width;
    const float *first = level->first + y * level->pitch;
    float high_x = (float)(width + BORDER - 2), high_y = (float)(level->height + BORDER - 2);
    for (idx x = 0; x < width; x++) {
        float px = (float)x + level->u[at + x], py = (float)y + level->v[at + x];
        r->plane[INSIDE][at + x] = px >= 0 && px <= (float)(width - 1) && py >= 0 &&
                                   py <= (float)(level->height - 1);
        px = px < 1 - BORDER ? 1 - BORDER : px > high_x ? high_x : px;
        py = py < 1 - BORDER ? 1 - BORDER : py > high_y ? high_y : py;
        float left = floorf(px), top = floorf(py), fx = px - left, fy = py - top;
        const float *p = level->second + (idx)top * level->pitch + (idx)left;
        const float *q = p + level->pitch;
        float upper = p[0] + fx * (p[1] - p[0]), lower = q[0] + fx * (q[1] - q[0]);
        float there = upper + fy * (lower - upper);
        r->plane[MEAN][at + x] = 0.5f * (there + first[x]);
        r->plane[IZ][at + x] = there - first[x];
    }
}

/* Central differences along x and along y of row y; at the border one-sided halves. */
static void slope_row(const flow_level *level, const float *in, float *dx, float *dy, idx y) {
    idx width = level->width, last = level->height - 1;
    const float *p = in + y * width;
    const float *above = in + (y > 0 ? y - 1 : 0) * width;
    const float *below = in + (y < last ? y + 1 : last) * width;
    if (dx) {
        dx += y * width;
        dx[0] = 0.5f * (p[width > 1] - p[0]);
        for (idx x = 1; x < width - 1; x++) dx[x] = 0.5f * (p[x + 1] - p[x - 1]);
        if (width > 1) dx[width - 1] = 0.5f * (p[width - 1] - p[width - 2]);
    }
    if (dy) {
        dy += y * width;
        for (idx x = 0; x < width; x++) dy[x] = 0.5f * (below[x] - above[x]);
    }
}

static void first_slopes_task(void *context, idx y, int thread) {
    (void)thread;
    const refinement *r = context;
    slope_row(r->level, r->plane[MEAN], r->plane[IX], r->plane[IY], y);
    slope_row(r->level, r->plane[IZ], r->plane[IXZ], r->plane[IYZ], y);
}

static void second_slopes_task(void *context, idx y, int thread) {
    (void)thread;
    const refinement *r = context;
    slope_row(r->level, r->plane[IX], r->plane[IXX], r->plane[IXY], y);
    slope_row(r->level, r->plane[IY], 0, r->plane[IYY], y);
}

/* WEIGHT: the smoothness term's, from forward differences of the flow so far. */
static void weight_task(void *context, idx y, int thread) {
    (void)thread;
    const refinement *r = context;
    const flow_level *level = r->level;
    idx width = level->width, at = y * width, down = y + 1 < level->height ? width : 0;
    const float *u = level->u + at, *v = level->v + at;
    const float *du = r->plane[DU] + at, *dv = r->plane[DV] + at;
    float *weight = r->plane[WEIGHT] + at;
    for (idx x = 0; x < width; x++) {
        idx right = x + 1 < width ? x + 1 : x;
        float here_u = u[x] + du[x], here_v = v[x] + dv[x];
        float ux = u[right] + du[right] - here_u, uy = u[x + down] + du[x + down] - here_u;
        float vx = v[right] + dv[right] - here_v, vy = v[x + down] + dv[x + down] - here_v;
        weight[x] = SMOOTHNESS / __builtin_sqrtf(ux * ux + uy * uy + vx * vx + vy * vy + ROOT);
    }
}

/* A11 ... B2: the linear system of the data terms around the changes so far. */
static void system_task(void *context, idx y, int thread) {
    (void)thread;
    const refinement *r = context;
    idx width = r->level->width;
    float *p[PLANES];
    for (int i = 0; i < PLANES; i++) p[i] = r->plane[i] + y * width;
    const float *restrict inside = p[INSIDE], *restrict ix = p[IX], *restrict iy = p[IY], *restrict iz = p[IZ];
    const float *restrict ixx = p[IXX], *restrict ixy = p[IXY], *restrict iyy = p[IYY];
    const float *restrict ixz = p[IXZ], *restrict iyz = p[IYZ];
    const float *restrict du = p[DU], *restrict dv = p[DV];
    float *restrict a11 = p[A11], *restrict a12 = p[A12], *restrict a22 = p[A22];
    float *restrict b1 = p[B1], *restrict b2 = p[B2];
    for (idx x = 0; x < width; x++) {
        float scale = 1 / (ix[x] * ix[x] + iy[x] * iy[x] + FLAT);
        float d = iz[x] + ix[x] * du[x] + iy[x] * dv[x];
        float w = inside[x] * BRIGHTNESS * scale / __builtin_sqrtf(d * d * scale + ROOT);
        float scale_x = 1 / (ixx[x] * ixx[x] + ixy[x] * ixy[x] + FLAT);
        float scale_y = 1 / (iyy[x] * iyy[x] + ixy[x] * ixy[x] + FLAT);
        float dx = ixz[x] + ixx[x] * du[x] + ixy[x] * dv[x];
        float dy = iyz[x] + ixy[x] * du[x] + iyy[x] * dv[x];
        float g = inside[x] * SLOPES / __builtin_sqrtf(dx * dx * scale_x + dy * dy * scale_y + ROOT);
        float gx = g * scale_x, gy = g * scale_y;
        a11[x] = w * ix[x] * ix[x] + gx * ixx[x] * ixx[x] + gy * ixy[x] * ixy[x] + FLAT;
        a12[x] = w * ix[x] * iy[x] + gx * ixx[x] * ixy[x] + gy * ixy[x] * iyy[x];
        a22[x] = w * iy[x] * iy[x] + gx * ixy[x] * ixy[x] + gy * iyy[x] * iyy[x] + FLAT;
        b1[x] = -(w * ix[x] * iz[x] + gx * ixx[x] * ixz[x] + gy * ixy[x] * iyz[x]);
        b2[x] = -(w * iy[x] * iz[x] + gx * ixy[x] * ixz[x] + gy * iyy[x] * iyz[x]);
    }
}

/* One sweep over the pixels of one colour in row y. */
static void relax_task(void *context, idx y, int thread) {
    (void)thread;
    const refinement *r = context;
    const flow_level *level = r->level;
    idx width = level->width, row = y * width;
    const float *weight = r->plane[WEIGHT], *u = level->u, *v = level->v;
    float *du = r->plane[DU], *dv = r->plane[DV];
    for (idx x = (y + r->colour) % 2; x < width; x += 2) {
        idx p = row + x, left = x > 0 ? p - 1 : p, right = x + 1 < width ? p + 1 : p;
        idx above = y > 0 ? p - width : p, below = y + 1 < level->height ? p + width : p;
        float to_left = weight[left], to_right = weight[p], to_above = weight[above];
        float to_below = weight[p], sum = to_left + to_right + to_above + to_below;
        float pull_u = to_left * (u[left] + du[left]) + to_right * (u[right] + du[right]) +
                       to_above * (u[above] + du[above]) + to_below * (u[below] + du[below]);
        float pull_v = to_left * (v[left] + dv[left]) + to_right * (v[right] + dv[right]) +
                       to_above * (v[above] + dv[above]) + to_below * (v[below] + dv[below]);
        float a12 = r->plane[A12][p];
        float new_u = (r->plane[B1][p] + pull_u - sum * u[p] - a12 * dv[p]) /
                      (r->plane[A11][p] + sum);
        du[p] += OMEGA * (new_u - du[p]);
        float new_v = (r->plane[B2][p] + pull_v - sum * v[p] - a12 * du[p]) /
                      (r->plane[A22][p] + sum);
        dv[p] += OMEGA * (new_v - dv[p]);
    }
}

idx flow_refine_scratch(const flow_level *level) { return PLANES * level->height * level->width; }

void flow_refine(const flow_level *level, const flow_settings *settings, float *scratch) {
    refinement r = {.level = level};
    idx rows = level->height, pixels = rows * level->width;
    double work = 10.0 * (double)pixels;
    for (int i = 0; i < PLANES; i++) r.plane[i] = scratch + i * pixels;
    parallel(rows, work, warp_task, &r);
    parallel(rows, work, first_slopes_task, &r);
    parallel(rows, work, second_slopes_task, &r);
    memset(r.plane[DU], 0, 2 * (size_t)pixels * sizeof(float));
    for (int i = 0; i < settings->refinements; i++) {
        parallel(rows, work, weight_task, &r);
        parallel(rows, work, system_task, &r);
        for (int sweep = 0; sweep < SWEEPS; sweep++)
            for (r.colour = 0; r.colour < 2; r.colour++) parallel(rows, work, relax_task, &r);
    }
    for (idx p = 0; p < pixels; p++) {
        level->u[p] += r.plane[DU][p];
        level->v[p] += r.plane[DV][p];
    }
}

/* Dense optical flow between two grey images, from coarse to fine. */
#include "flow_refine.h"
#include "flow_search.h"

#define LEVELS 16

typedef struct {
    flow_level level[LEVELS];
    idx floats; /* of all extended images and flows, and the scratch memory of one level */
    idx scratch;
} pyramid;

static pyramid lay_out(idx height, idx width, int levels, idx stride) {
    pyramid p = {.floats = 0};
    idx scratch = 0;
    for (int l = 0; l < levels; l++) {
        flow_level *level = p.level + l;
        level->height = height;
        level->width = width;
        level->pitch = width + 2 * BORDER;
        p.floats += 2 * (height + 2 * BORDER) * level->pitch + 2 * height * width;
        scratch = max_idx(scratch, flow_search_scratch(level, stride));
        scratch = max_idx(scratch, flow_refine_scratch(level));
        height = (height + 1) / 2;
        width = (width + 1) / 2;
    }
    p.scratch = p.floats;
    p.floats += scratch;
    return p;
}

/* Repeats the border pixels of an image around it. */
static void extend(float *image, idx height, idx width, idx pitch) {
    for (idx y = 0; y < height; y++) {
        float *row = image + y * pitch;
        for (idx x = 1; x <= BORDER; x++) {
            row[-x] = row[0];
            row[width - 1 + x] = row[width - 1];
        }
    }
    size_t bytes = (size_t)pitch * sizeof(float);
    float *top = image - BORDER, *bottom = top + (height - 1) * pitch;
    for (idx y = 1; y <= BORDER; y++) {
        memcpy(top - y * pitch, top, bytes);
        memcpy(bottom + y * pitch, bottom, bytes);
    }
}

/* Means of 2 x 2 pixels; the border of an odd image counts twice. */
static void halve(const float *in, idx pitch, float *out, const flow_level *level) {
    for (idx y = 0; y < level->height; y++) {
        const float *p = in + 2 * y * pitch, *q = p + pitch;
        float *row = out + y * level->pitch;
        for (idx x = 0; x < level->width; x++)
            row[x] = 0.25f * ((p[2 * x] + p[2 * x + 1]) + (q[2 * x] + q[2 * x + 1]));
    }
    extend(out, level->height, level->width, level->pitch);
}

/* Bilinear: out[y][x] = 2 in[(y - 1/2) / 2][(x - 1/2) / 2], of the upper left part if it is odd. */
static void enlarge(const float *in, idx rows, idx columns, float *out, idx height, idx width,
                    idx step) {
    for (idx y = 0; y < height; y++) {
        idx near_y = y / 2, far_y = y % 2 ? near_y + 1 : near_y - 1;
        far_y = far_y < 0 ? 0 : min_idx(far_y, rows - 1);
        const float *p = in + near_y * columns, *q = in + far_y * columns;
        for (idx x = 0; x < width; x++) {
            idx near_x = x / 2, far_x = x % 2 ? near_x + 1 : near_x - 1;
            far_x = far_x < 0 ? 0 : min_idx(far_x, columns - 1);
            float mine = 0.75f * p[near_x] + 0.25f * p[far_x];
            out[(y * width + x) * step] = 2 * (0.75f * mine + 0.25f * (0.75f * q[near_x] +
                                                                       0.25f * q[far_x]));
        }
    }
}

static void place_images(pyramid *p, int levels, float *memory, const float *first,
                         const float *second) {
    for (int l = 0; l < levels; l++) {
        flow_level *level = p->level + l;
        idx image = (level->height + 2 * BORDER) * level->pitch;
        level->first = memory + BORDER * level->pitch + BORDER;
        level->second = level->first + image;
        level->u = memory + 2 * image;
        level->v = level->u + level->height * level->width;
        memory = level->v + level->height * level->width;
        if (l) {
            halve(p->level[l - 1].first, p->level[l - 1].pitch, level->first, level);
            halve(p->level[l - 1].second, p->level[l - 1].pitch, level->second, level);
            continue;
        }
        size_t bytes = (size_t)level->width * sizeof(float);
        for (idx y = 0; y < level->height; y++) {
            memcpy(level->first + y * level->pitch, first + y * level->width, bytes);
            memcpy(level->second + y * level->pitch, second + y * level->width, bytes);
        }
        extend(level->first, level->height, level->width, level->pitch);
        extend(level->second, level->height, level->width, level->pitch);
    }
}

API idx optical_flow_scratch(idx height, idx width, int levels, idx stride) {
    return lay_out(height, width, levels, stride).floats * (idx)sizeof(float);
}

/* flow (height, width, 2), x and y; levels `finest` to levels - 1 of the pyramid are searched, each
 * at least PATCH pixels high and wide. */
API void optical_flow(idx height, idx width, const float *first, const float *second, float *flow,
                      int levels, int finest, idx stride, int descents, int refinements,
                      float *scratch) {
    flow_settings settings = {stride, descents, refinements};
    pyramid p = lay_out(height, width, levels, stride);
    place_images(&p, levels, scratch, first, second);
    for (int l = levels - 1; l >= 0; l--) {
        flow_level *level = p.level + l, *coarser = level + 1;
        size_t bytes = (size_t)(level->height * level->width) * sizeof(float);
        if (l == levels - 1) {
            memset(level->u, 0, bytes);
            memset(level->v, 0, bytes);
        } else {
            enlarge(coarser->u, coarser->height, coarser->width, level->u, level->height,
                    level->width, 1);
            enlarge(coarser->v, coarser->height, coarser->width, level->v, level->height,
                    level->width, 1);
        }
        if (l < finest) continue;
        flow_search(level, &settings, scratch + p.scratch);
        if (refinements) flow_refine(level, &settings, scratch + p.scratch);
    }
    for (idx i = 0; i < height * width; i++) {
        flow[2 * i] = p.level[0].u[i];
        flow[2 * i + 1] = p.level[0].v[i];
    }
}

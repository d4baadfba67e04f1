/* Maximum pooling of regions. Windows are given, as begin and end along each side. */
#include "common.h"

#include <float.h>

typedef struct {
    idx images, channels, height, width, regions, out_height, out_width;
} roi_plan;

typedef struct {
    const roi_plan *plan;
    const real *in;
    const int32_t *image, *rows, *columns; /* of each region; of each window, begin and end */
    real *out;
    int32_t *mask;
} roi_job;

INLINE double roi_work(const roi_plan *p) {
    return (double)(p->images + p->regions) * (double)(p->channels * p->height * p->width);
}

/* One channel of one region. */
static void roi_task(void *context, idx task, int thread) {
    const roi_job *job = context;
    const roi_plan *p = job->plan;
    idx region = task / p->channels, image = job->image[region];
    const int32_t *rows = job->rows + region * p->out_height * 2;
    const int32_t *columns = job->columns + region * p->out_width * 2;
    int known = image >= 0 && image < p->images;
    const real *x = job->in;
    if (known) x += (image * p->channels + task % p->channels) * p->height * p->width;
    idx at = task * p->out_height * p->out_width;
    (void)thread;
    for (idx i = 0; i < p->out_height; i++)
        for (idx j = 0; j < p->out_width; j++, at++) {
            idx top = rows[2 * i], bottom = rows[2 * i + 1];
            idx left = columns[2 * j], right = columns[2 * j + 1];
            if (!known || top >= bottom || left >= right) {
                job->out[at] = 0;
                job->mask[at] = -1;
                continue;
            }
            real best = -FLT_MAX;
            idx first = -1;
            for (idx h = top; h < bottom; h++)
                for (idx w = left; w < right; w++) {
                    real v = x[h * p->width + w];
                    first = v > best ? h * p->width + w : first;
                    best = v > best ? v : best;
                }
            job->out[at] = best;
            job->mask[at] = (int32_t)first;
        }
}

API void roi_pool(const roi_plan *p, const real *x, const int32_t *image, const int32_t *rows,
                  const int32_t *columns, real *y, int32_t *mask) {
    roi_job job = {p, x, image, rows, columns, y, mask};
    parallel(p->regions * p->channels, roi_work(p), roi_task, &job);
}

/* One channel of one image: the gradients of its regions, in their order. */
static void roi_grad_task(void *context, idx plane, int thread) {
    const roi_job *job = context;
    const roi_plan *p = job->plan;
    idx image = plane / p->channels, channel = plane % p->channels;
    idx windows = p->out_height * p->out_width;
    real *dx = job->out + plane * p->height * p->width;
    (void)thread;
    memset(dx, 0, (size_t)(p->height * p->width) * sizeof(real));
    for (idx region = 0; region < p->regions; region++) {
        if (job->image[region] != image) continue;
        idx at = (region * p->channels + channel) * windows;
        for (idx k = at; k < at + windows; k++)
            if (job->mask[k] >= 0) dx[job->mask[k]] += job->in[k];
    }
}

API void roi_pool_grad(const roi_plan *p, const real *dy, const int32_t *image, int32_t *mask,
                       real *dx) {
    roi_job job = {p, dy, image, NULL, NULL, dx, mask};
    parallel(p->images * p->channels, roi_work(p), roi_grad_task, &job);
}

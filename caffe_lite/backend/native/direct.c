/* The output is computed at the pitch of the channel's planes. Each tap is then a shift, and all
 * pixels of the output form one long vector, with some waste between its rows. */
#include "direct.h"

#define MOST_OUTPUTS 4 /* per group */
#define MOST_TAPS 256
#define STEP (4 * LANES)

typedef struct {
    const convolution_plan *plan;
    const real *in, *dy, *weight, *bias;
    real *out, *scratch;
    axis h, w;
    idx pitch, length; /* of the output at the pitch of the planes */
    idx front;         /* the largest shift */
    idx planes, spread, thread_scratch;
    idx place[MOST_TAPS]; /* per tap: offset of its phase plus shift */
    idx shift[MOST_TAPS];
} direct_job;

int direct_suits(const convolution_plan *p) {
    return p->group > 1 && p->channels == p->group && p->outputs / p->group <= MOST_OUTPUTS &&
           plan_taps(p) <= MOST_TAPS;
}

static void prepare(direct_job *job, const convolution_plan *p) {
    job->plan = p;
    plan_axes(p, &job->h, &job->w);
    job->pitch = job->w.count;
    job->length = (p->out_height - 1) * job->pitch + p->out_width;
    job->front = 0;
    for (idx i = 0; i < p->kernel_h; i++)
        for (idx j = 0; j < p->kernel_w; j++) {
            idx place = plan_place(p, &job->h, &job->w, i, j), t = i * p->kernel_w + j;
            job->place[t] = place;
            job->shift[t] = place % (job->h.count * job->pitch);
            job->front = max_idx(job->front, job->shift[t]);
        }
    job->planes = ceil_div(planes_size(&job->h, &job->w) + STEP, 16) * 16;
    job->spread = ceil_div(2 * job->front + job->length + 2 * STEP, 16) * 16;
    job->thread_scratch = job->planes + job->spread * (p->outputs / p->group);
}

idx direct_scratch(const convolution_plan *p) {
    direct_job job;
    prepare(&job, p);
    return pool_threads() * job.thread_scratch;
}

/* dy at the pitch of the planes, with zeros between its rows, before and after. */
static void spread_rows(const direct_job *job, const real *dy, real *spread) {
    const convolution_plan *p = job->plan;
    memset(spread, 0, (size_t)job->spread * sizeof(real));
    spread += job->front;
    for (idx i = 0; i < p->out_height; i++)
        copy_row(spread + i * job->pitch, dy + i * p->out_width, p->out_width);
}

static void forward_task(void *context, idx task, int thread) {
    const direct_job *job = context;
    const convolution_plan *p = job->plan;
    real *planes = job->scratch + thread * job->thread_scratch, *line = planes + job->planes;
    idx outputs = p->outputs / p->group, taps = plan_taps(p), pixels = p->out_height * p->out_width;
    fill_planes(job->in + task * p->height * p->width, planes, &job->h, &job->w);
    for (idx o = 0; o < outputs; o++) {
        idx number = task % p->group * outputs + o;
        const real *weight = job->weight + number * taps;
        real bias = job->bias ? job->bias[number] : 0;
        for (idx i = 0; i < job->length; i += STEP) {
            vec sum[4] = {{0}};
            for (idx t = 0; t < taps; t++)
                for (int v = 0; v < 4; v++)
                    sum[v] += weight[t] * load(planes + job->place[t] + i + v * LANES);
            for (int v = 0; v < 4; v++) store(line + i + v * LANES, sum[v] + bias);
        }
        real *y = job->out + (task * outputs + o) * pixels;
        for (idx i = 0; i < p->out_height; i++)
            copy_row(y + i * p->out_width, line + i * job->pitch, p->out_width);
    }
}

void direct_forward(const convolution_plan *p, const real *x, const real *weight, const real *bias,
                    real *y, real *scratch) {
    direct_job job = {.in = x, .weight = weight, .bias = bias, .out = y, .scratch = scratch};
    prepare(&job, p);
    parallel(p->images * p->group, 4 * plan_work(p), forward_task, &job);
}

/* One phase of dx: the sum over its taps of weight times dy, shifted in the other direction. */
static void gather_phase(const direct_job *job, idx phase, const real *weight, const real *spread,
                         real *plane) {
    const convolution_plan *p = job->plan;
    idx size = job->h.count * job->pitch, taps = plan_taps(p), outputs = p->outputs / p->group;
    for (idx i = 0; i < size; i += STEP) {
        vec sum[4] = {{0}};
        for (idx t = 0; t < taps; t++) {
            if (job->place[t] - job->shift[t] != phase * size) continue;
            for (idx o = 0; o < outputs; o++) {
                const real *from = spread + o * job->spread + job->front - job->shift[t] + i;
                for (int v = 0; v < 4; v++) sum[v] += weight[o * taps + t] * load(from + v * LANES);
            }
        }
        for (int v = 0; v < 4; v++) store(plane + i + v * LANES, sum[v]);
    }
}

/* dx = the pixels of the planes; zero in phases without taps. */
static void put_back(const direct_job *job, const real *planes, real *dx) {
    const axis *h = &job->h, *w = &job->w;
    memset(dx, 0, (size_t)(h->size * w->size) * sizeof(real));
    for (idx ph = 0; ph < h->phases; ph++)
        for (idx pw = 0; pw < w->phases; pw++, planes += h->count * w->count)
            for (idx v = h->begin[ph]; v < h->end[ph]; v++) {
                real *row = dx + (h->stride * v + h->phase[ph] - h->pad) * w->size;
                const real *from = planes + v * w->count;
                idx offset = w->phase[pw] - w->pad, begin = w->begin[pw], end = w->end[pw];
                if (w->stride == 1)
                    copy_row(row + offset + begin, from + begin, end - begin);
                else
                    for (idx u = begin; u < end; u++) row[w->stride * u + offset] = from[u];
            }
}

static void data_task(void *context, idx task, int thread) {
    const direct_job *job = context;
    const convolution_plan *p = job->plan;
    real *planes = job->scratch + thread * job->thread_scratch, *spread = planes + job->planes;
    idx outputs = p->outputs / p->group, pixels = p->out_height * p->out_width;
    for (idx o = 0; o < outputs; o++)
        spread_rows(job, job->in + (task * outputs + o) * pixels, spread + o * job->spread);
    for (idx phase = 0; phase < job->h.phases * job->w.phases; phase++)
        gather_phase(job, phase, job->weight + task % p->group * outputs * plan_taps(p), spread,
                     planes + phase * job->h.count * job->pitch);
    put_back(job, planes, job->out + task * p->height * p->width);
}

void direct_grad_data(const convolution_plan *p, const real *dy, const real *weight, real *dx,
                      real *scratch) {
    direct_job job = {.in = dy, .weight = weight, .out = dx, .scratch = scratch};
    prepare(&job, p);
    parallel(p->images * p->group, 4 * plan_work(p), data_task, &job);
}

static void weight_task(void *context, idx group, int thread) {
    const direct_job *job = context;
    const convolution_plan *p = job->plan;
    real *planes = job->scratch + thread * job->thread_scratch, *spread = planes + job->planes;
    idx outputs = p->outputs / p->group, taps = plan_taps(p), pixels = p->out_height * p->out_width;
    memset(planes, 0, (size_t)job->planes * sizeof(real)); /* its end meets zeros of dy */
    for (idx image = 0; image < p->images; image++) {
        idx plane = image * p->group + group;
        fill_planes(job->in + plane * p->height * p->width, planes, &job->h, &job->w);
        for (idx o = 0; o < outputs; o++) {
            spread_rows(job, job->dy + (plane * outputs + o) * pixels, spread);
            const real *dy = spread + job->front;
            for (idx t = 0; t < taps; t++) {
                vec sum[4] = {{0}};
                for (idx i = 0; i < job->length; i += STEP)
                    for (int v = 0; v < 4; v++)
                        sum[v] += load(dy + i + v * LANES) *
                                  load(planes + job->place[t] + i + v * LANES);
                job->out[(group * outputs + o) * taps + t] +=
                    lane_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
            }
        }
    }
}

void direct_grad_weight(const convolution_plan *p, const real *x, const real *dy, real *dweight,
                        real *scratch) {
    direct_job job = {.in = x, .dy = dy, .out = dweight, .scratch = scratch};
    prepare(&job, p);
    parallel(p->group, 4 * plan_work(p), weight_task, &job);
}

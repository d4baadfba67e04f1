/* One time step of an LSTM after its matrix products; gates in the order i, f, o, g. */
#include "vector_math.h"

typedef struct {
    idx hidden;
    real *gates, *c, *h, *h_cont, *dgates, *dc_prev;
    const real *c_prev, *cont, *cont_next, *dc, *dh, *dh_next;
} lstm_job;

#define FETCH(p) (whole ? load(p) : load_part(p, count))
#define KEEP(p, v) (whole ? store(p, v) : store_part(p, v, count))

INLINE void unit(const lstm_job *job, idx row, idx d, int whole, idx count) {
    idx hidden = job->hidden, at = row * hidden + d;
    real *gate = job->gates + row * 4 * hidden + d;
    real kept = job->cont ? job->cont[row] : 1;
    vec i = logistic_vec(FETCH(gate));
    vec f = logistic_vec(FETCH(gate + hidden));
    vec o = logistic_vec(FETCH(gate + 2 * hidden));
    vec g = tanh_vec(FETCH(gate + 3 * hidden));
    vec c = kept * f * FETCH(job->c_prev + at) + i * g;
    KEEP(gate, i);
    KEEP(gate + hidden, f);
    KEEP(gate + 2 * hidden, o);
    KEEP(gate + 3 * hidden, g);
    KEEP(job->c + at, c);
    vec h = o * tanh_vec(c);
    KEEP(job->h + at, h);
    if (job->h_cont) KEEP(job->h_cont + at, job->cont_next[row] * h);
}

INLINE void unit_grad(const lstm_job *job, idx row, idx d, int whole, idx count) {
    idx hidden = job->hidden, at = row * hidden + d;
    const real *gate = job->gates + row * 4 * hidden + d;
    real *dgate = job->dgates + row * 4 * hidden + d;
    real kept = job->cont ? job->cont[row] : 1;
    vec i = FETCH(gate), f = FETCH(gate + hidden), o = FETCH(gate + 2 * hidden);
    vec g = FETCH(gate + 3 * hidden), tanh_c = tanh_vec(FETCH(job->c + at));
    vec dh = FETCH(job->dh + at), remembered = kept * f;
    if (job->dh_next) dh += job->cont_next[row] * FETCH(job->dh_next + at);
    vec dc = FETCH(job->dc + at) + dh * o * (1 - tanh_c * tanh_c);
    KEEP(dgate, dc * g * i * (1 - i));
    KEEP(dgate + hidden, dc * FETCH(job->c_prev + at) * remembered * (1 - f));
    KEEP(dgate + 2 * hidden, dh * tanh_c * o * (1 - o));
    KEEP(dgate + 3 * hidden, dc * i * (1 - g * g));
    KEEP(job->dc_prev + at, dc * remembered);
}

/* A task is one row of the batch, processed a vector at a time. */
#define STEP_TASK(unit)                                                            \
    static void unit##_task(void *context, idx row, int thread) {                  \
        (void)thread;                                                              \
        const lstm_job *job = context;                                             \
        idx d = 0;                                                                 \
        for (; d + LANES <= job->hidden; d += LANES) unit(job, row, d, 1, LANES);  \
        if (d < job->hidden) unit(job, row, d, 0, job->hidden - d);                \
    }

STEP_TASK(unit)
STEP_TASK(unit_grad)

API void lstm_unit(idx rows, idx hidden, real *gates, const real *c_prev, const real *cont, real *c,
                   real *h, const real *cont_next, real *h_cont) {
    lstm_job job = {.hidden = hidden, .gates = gates, .c_prev = c_prev, .cont = cont, .c = c,
                    .h = h, .cont_next = cont_next, .h_cont = h_cont};
    parallel(rows, 6.0 * (double)(rows * hidden), unit_task, &job);
}

API void lstm_unit_grad(idx rows, idx hidden, real *gates, const real *c_prev, const real *cont,
                        real *c, const real *dc, const real *dh, real *dgates, real *dc_prev,
                        const real *dh_next, const real *cont_next) {
    lstm_job job = {.hidden = hidden, .gates = gates, .c_prev = c_prev, .cont = cont, .c = c,
                    .dc = dc, .dh = dh, .dgates = dgates, .dc_prev = dc_prev, .dh_next = dh_next,
                    .cont_next = cont_next};
    parallel(rows, 6.0 * (double)(rows * hidden), unit_grad_task, &job);
}

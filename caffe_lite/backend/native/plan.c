#include "plan.h"

void plan_axes(const convolution_plan *p, axis *h, axis *w) {
    axis_for_taps(h, p->height, p->out_height, p->kernel_h, p->stride_h, p->pad_h, p->dilation_h);
    axis_for_taps(w, p->width, p->out_width, p->kernel_w, p->stride_w, p->pad_w, p->dilation_w);
}

idx plan_place(const convolution_plan *p, const axis *h, const axis *w, idx i, idx j) {
    idx at_h = axis_place(h, i * p->dilation_h), at_w = axis_place(w, j * p->dilation_w);
    idx phase = at_h / h->count * w->phases + at_w / w->count;
    return phase * h->count * w->count + at_h % h->count * w->count + at_w % w->count;
}

void plan_bases(const convolution_plan *p, const axis *h, const axis *w, idx plane, idx *base) {
    idx taps = plan_taps(p);
    for (idx i = 0; i < p->kernel_h; i++)
        for (idx j = 0; j < p->kernel_w; j++) {
            idx place = plan_place(p, h, w, i, j), tap = i * p->kernel_w + j;
            for (idx c = 0; c < p->channels / p->group; c++)
                base[c * taps + tap] = c * plane + place;
        }
}

/* Depthwise convolution, that is groups of one input channel: too little work per group for tiles.
 * */
#pragma once

#include "plan.h"

int direct_suits(const convolution_plan *p);
idx direct_scratch(const convolution_plan *p);
void direct_forward(const convolution_plan *p, const real *x, const real *weight, const real *bias,
                    real *y, real *scratch);
void direct_grad_data(const convolution_plan *p, const real *dy, const real *weight, real *dx,
                      real *scratch);
void direct_grad_weight(const convolution_plan *p, const real *x, const real *dy, real *dweight,
                        real *scratch);

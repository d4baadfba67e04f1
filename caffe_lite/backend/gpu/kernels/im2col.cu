#include "common.cuh"

// im2col and col2im over two spatial axes. Row (channel, kernel position) of `columns` holds the
// pixel at that position for every output. `image_step` and `row_step` are the distances in
// elements between images and between rows: (rows * outputs, outputs) gives one matrix per image,
// (outputs, images * outputs) one wide matrix for the whole batch.

KERNEL im2col_2d(const Dtype *x, Dtype *columns, int images, int channels, int height, int width,
                 int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h, int pad_w,
                 int dilation_h, int dilation_w, int out_h, int out_w,
                 Index image_step, Index row_step) {
    Index outputs = (Index)out_h * out_w;
    for (int image = blockIdx.z; image < images; image += gridDim.z) {
        for (int channel = blockIdx.y; channel < channels; channel += gridDim.y) {
            const Dtype *plane = x + ((Index)image * channels + channel) * height * width;
            Dtype *rows = columns + image * image_step
                          + (Index)channel * kernel_h * kernel_w * row_step;
            FOR_EACH(output, outputs) {
                int top = (int)(output / out_w) * stride_h - pad_h;
                int left = (int)(output % out_w) * stride_w - pad_w;
                Dtype *target = rows + output;
                for (int kh = 0; kh < kernel_h; ++kh) {
                    int h = top + kh * dilation_h;
                    for (int kw = 0; kw < kernel_w; ++kw) {
                        int w = left + kw * dilation_w;
                        bool inside = h >= 0 && h < height && w >= 0 && w < width;
                        *target = inside ? plane[(Index)h * width + w] : (Dtype)0;
                        target += row_step;
                    }
                }
            }
        }
    }
}

// Strides and dilations are usually 1, and a division takes as long as twenty other instructions.
__device__ inline int divided(int a, int by) {
    return by == 1 ? a : a / by;
}

// The tap of a kernel at `offset` pixels from its first tap, or -1 if there is none.
__device__ inline int tap_at(int offset, int dilation) {
    int tap = divided(offset, dilation);
    return tap * dilation == offset ? tap : -1;
}

// x[image, channel, h, w] = the sum of the column elements that im2col copies from there. It
// gathers instead of scattering, so the order of the sum and its rounding are reproducible.
KERNEL col2im_2d(const Dtype *columns, Dtype *x, int images, int channels, int height, int width,
                 int kernel_h, int kernel_w, int stride_h, int stride_w, int pad_h, int pad_w,
                 int dilation_h, int dilation_w, int out_h, int out_w,
                 Index image_step, Index row_step) {
    int reach_h = (kernel_h - 1) * dilation_h;
    int reach_w = (kernel_w - 1) * dilation_w;
    for (int image = blockIdx.z; image < images; image += gridDim.z) {
        for (int channel = blockIdx.y; channel < channels; channel += gridDim.y) {
            const Dtype *rows = columns + image * image_step
                                + (Index)channel * kernel_h * kernel_w * row_step;
            Dtype *plane = x + ((Index)image * channels + channel) * height * width;
            FOR_EACH(pixel, (Index)height * width) {
                int h = (int)(pixel / width) + pad_h;
                int w = (int)(pixel % width) + pad_w;
                int first_h = h < reach_h ? 0 : divided(h - reach_h + stride_h - 1, stride_h);
                int first_w = w < reach_w ? 0 : divided(w - reach_w + stride_w - 1, stride_w);
                int last_h = divided(h, stride_h);
                int last_w = divided(w, stride_w);
                last_h = last_h < out_h ? last_h : out_h - 1;
                last_w = last_w < out_w ? last_w : out_w - 1;
                Dtype sum = 0;
                for (int oh = first_h; oh <= last_h; ++oh) {
                    int kh = tap_at(h - oh * stride_h, dilation_h);
                    if (kh < 0) continue;
                    const Dtype *from = rows + (Index)kh * kernel_w * row_step + (Index)oh * out_w;
                    for (int ow = first_w; ow <= last_w; ow += AT_ONCE) {
                        Dtype found[AT_ONCE];
                        for (int i = 0; i < AT_ONCE; ++i) {
                            int kw = tap_at(w - (ow + i) * stride_w, dilation_w);
                            bool there = ow + i <= last_w && kw >= 0;
                            // Load unconditionally: a branch would serialize the loads.
                            Dtype value = there ? from[kw * row_step + ow + i] : rows[0];
                            found[i] = there ? value : (Dtype)0;
                        }
                        for (int i = 0; i < AT_ONCE; ++i) sum += found[i];
                    }
                }
                plane[pixel] = sum;
            }
        }
    }
}

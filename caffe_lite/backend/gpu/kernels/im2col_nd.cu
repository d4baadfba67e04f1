#include "common.cuh"

// im2col and col2im over any number of spatial axes up to MOST_AXES. `geometry` is six rows of
// `axes` integers: input, kernel, stride, pad, dilation, output. Steps as in im2col.cu.

KERNEL im2col_nd(const Dtype *x, Dtype *columns, const int *geometry, int axes, int images,
                 int channels, Index inputs, Index outputs, int kernel_size,
                 Index image_step, Index row_step) {
    const int *input = geometry, *kernel = geometry + axes, *stride = geometry + 2 * axes;
    const int *pad = geometry + 3 * axes, *dilation = geometry + 4 * axes;
    const int *out = geometry + 5 * axes;
    for (int image = blockIdx.z; image < images; image += gridDim.z) {
        for (int channel = blockIdx.y; channel < channels; channel += gridDim.y) {
            const Dtype *plane = x + ((Index)image * channels + channel) * inputs;
            Dtype *rows = columns + image * image_step + (Index)channel * kernel_size * row_step;
            FOR_EACH(output, outputs) {
                int corner[MOST_AXES];
                Index rest = output;
                for (int axis = axes - 1; axis >= 0; --axis) {
                    corner[axis] = (int)(rest % out[axis]) * stride[axis] - pad[axis];
                    rest /= out[axis];
                }
                for (int position = 0; position < kernel_size; ++position) {
                    int remaining = position;
                    Index offset = 0, step = 1;
                    bool inside = true;
                    for (int axis = axes - 1; axis >= 0; --axis) {
                        int at = corner[axis] + remaining % kernel[axis] * dilation[axis];
                        remaining /= kernel[axis];
                        inside = inside && at >= 0 && at < input[axis];
                        offset += at * step;
                        step *= input[axis];
                    }
                    rows[position * row_step + output] = inside ? plane[offset] : (Dtype)0;
                }
            }
        }
    }
}

KERNEL col2im_nd(const Dtype *columns, Dtype *x, const int *geometry, int axes, int images,
                 int channels, Index inputs, Index outputs, int kernel_size,
                 Index image_step, Index row_step) {
    const int *input = geometry, *kernel = geometry + axes, *stride = geometry + 2 * axes;
    const int *pad = geometry + 3 * axes, *dilation = geometry + 4 * axes;
    const int *out = geometry + 5 * axes;
    for (int image = blockIdx.z; image < images; image += gridDim.z) {
        for (int channel = blockIdx.y; channel < channels; channel += gridDim.y) {
            const Dtype *rows = columns + image * image_step
                                + (Index)channel * kernel_size * row_step;
            Dtype *plane = x + ((Index)image * channels + channel) * inputs;
            FOR_EACH(pixel, inputs) {
                int place[MOST_AXES];
                Index rest = pixel;
                for (int axis = axes - 1; axis >= 0; --axis) {
                    place[axis] = (int)(rest % input[axis]) + pad[axis];
                    rest /= input[axis];
                }
                Dtype sum = 0;
                for (int position = 0; position < kernel_size; ++position) {
                    int remaining = position;
                    Index output = 0, step = 1;
                    bool met = true;
                    for (int axis = axes - 1; axis >= 0; --axis) {
                        int from = place[axis] - remaining % kernel[axis] * dilation[axis];
                        remaining /= kernel[axis];
                        met = met && from >= 0 && from % stride[axis] == 0
                              && from / stride[axis] < out[axis];
                        output += from / stride[axis] * step;
                        step *= out[axis];
                    }
                    if (met) sum += rows[position * row_step + output];
                }
                plane[pixel] = sum;
            }
        }
    }
}

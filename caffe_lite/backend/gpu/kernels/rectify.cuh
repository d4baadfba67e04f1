// x where x > 0, else slope * x. NaN stays NaN, and a slope of 0 turns -inf into 0.
__device__ inline Dtype rectified(Dtype x, Dtype slope) {
    if (x <= 0) return slope == 0 ? (Dtype)0 : slope * x;
    return x;
}

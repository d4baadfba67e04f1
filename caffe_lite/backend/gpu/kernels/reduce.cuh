// Sums and maxima over a block. Every thread of the block must call them and receives the result.
// The block must consist of whole warps (a multiple of WARP threads, at most 1024).

#define WHOLE_WARP 0xffffffffu

__device__ inline Dtype warp_sum(Dtype value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
        value += __shfl_xor_sync(WHOLE_WARP, value, lanes);
    }
    return value;
}

__device__ inline Dtype warp_max(Dtype value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
        Dtype other = __shfl_xor_sync(WHOLE_WARP, value, lanes);
        value = other > value ? other : value;
    }
    return value;
}

// Passes one value per warp to all warps. The first barrier lets readers of an earlier reduction
// finish before its values are overwritten.
__device__ inline Dtype exchange(Dtype value, Dtype absent) {
    __shared__ Dtype of_warp[WARP];
    int lane = threadIdx.x % WARP;
    __syncthreads();
    if (lane == 0) of_warp[threadIdx.x / WARP] = value;
    __syncthreads();
    return lane < blockDim.x / WARP ? of_warp[lane] : absent;
}

__device__ inline Dtype block_sum(Dtype value) {
    return warp_sum(exchange(warp_sum(value), 0));
}

__device__ inline Dtype block_max(Dtype value) {
    return warp_max(exchange(warp_max(value), -LARGEST));
}

// What every kernel file includes. `Dtype` (float or double) and `Index` (int, or long long for
// arrays of over two billion elements) are macros set by the launcher, so that one source serves
// all of them without templates or mangled names. No system header may be included: the run-time
// compiler has none.

#define KERNEL extern "C" __global__ void

// Every i in 0 ... n-1, once over the whole grid, whatever its size.
#define FOR_EACH(i, n)                                                     \
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < (n);  \
         i += (Index)blockDim.x * gridDim.x)

// Smallest positive normal number and largest finite number of single precision: Caffe takes both
// from `float` whatever the type of the net.
#define SMALLEST ((Dtype)1.17549435082228750797e-38)
#define LARGEST ((Dtype)3.40282346638528859812e+38)

__device__ inline Dtype sigmoid(Dtype x) {
    return (Dtype)1 / ((Dtype)1 + exp(-x));
}

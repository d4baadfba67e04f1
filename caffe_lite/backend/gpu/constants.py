"""Numbers that Python and the kernels share; the compiler gets each as a macro, -DNAME=value."""

WARP = 32  # threads that run in lockstep
MOST_AXES = 8  # spatial axes of a convolution, axes of a crop
PIECE = 4096  # elements of an array that one block updates, clears or sums
POOL_ROWS = 4  # neighbouring pixels of a column that one thread of max_pool_grad computes

MACROS = {"WARP": WARP, "MOST_AXES": MOST_AXES, "PIECE": PIECE, "POOL_ROWS": POOL_ROWS}

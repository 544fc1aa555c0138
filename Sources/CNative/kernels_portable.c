/* For every architecture that C compiles for. */
#include "kernels_loops.h"
#include "kernels_blas.h"
#include "kernels_int4.h"

const native_kernels native_kernels_portable = {
    .name = "portable", .pack_panel = pack_panel, .pack_int4 = pack_int4, .product_float32 = product_float32, .finish = finish,
    LOOPS};

/* int8 attention with the tiles of one instruction set, KERNEL_HEADER, as a function for Python. With EMULATED,
 * SIMDe computes what AVX-512 would, and emulated_tiles.h what AMX would. */
#if defined(EMULATED)
#include "emulated_avx512.h"
#include "emulated_tiles.h"
#elif defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../../Sources/CKernels/portable/loops.h"
#include KERNEL_HEADER
#if !defined(ATTENTION_KERNELS) /* AMX has all of its own */
#include "../../Sources/CKernels/portable/attention_int8.h"
#endif

void attend(size_t queries, size_t keys, size_t width, float scale, void *query, void *key, void *value, size_t stride,
            int type, void *head, void *scratch, void *out);

/* Rows of `type`, `stride` bytes apart. `head` has native_head_bytes(keys) bytes. */
void attend(size_t queries, size_t keys, size_t width, float scale, void *query, void *key, void *value, size_t stride,
            int type, void *head, void *scratch, void *out) {
    native_rows q = {query, stride, NULL, type}, k = {key, stride, NULL, type}, v = {value, stride, NULL, type};
    native_rows o = {out, stride, NULL, type};
    lay_out_head(keys, width, &k, &v, scratch, head);
    attention_int8(queries, keys, width, scale, &q, head, scratch, &o);
}

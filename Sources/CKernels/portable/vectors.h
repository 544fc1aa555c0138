/* Vectors of 16 lanes, and arithmetic that gives the same bits on every instruction set. Include it in loops.h.
 *
 * An instruction set does not change what is computed: a multiplication and an addition are fused where MULTIPLY_ADD is
 * written and nowhere else, and sums have one order. */

#pragma clang fp reassociate(off) contract(off)

#define INLINE static inline __attribute__((always_inline))

/* a * b + c, rounded once. A set without the instruction may define it as two operations, if it is no reproducible one.
 */
#ifndef MULTIPLY_ADD
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#endif

/* Functions that pass vectors are inlined, because their calling convention would depend on the register width. */
#pragma clang diagnostic ignored "-Wpsabi"

/* A vector may lie at any multiple of 4 bytes. */
enum { LANES = 16 };
typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float aligned_vector __attribute__((vector_size(4 * LANES), may_alias));
typedef double wide_vector __attribute__((vector_size(8 * LANES)));
typedef int32_t mask_vector __attribute__((vector_size(4 * LANES)));

INLINE vector load(const float *source) { return *(const vector *)source; }
INLINE void store(vector value, float *target) { *(vector *)target = value; }

/* The first `count` lanes from memory, and zeros. */
INLINE vector load_some(size_t count, const float *source) {
    vector value = {0};
    memcpy(&value, source, count * sizeof *source);
    return value;
}

/* The sum of all lanes: halves are added until one is left. */
INLINE float sum_lanes(vector x) {
    float lanes[LANES];
    store(x, lanes);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

/* The sum of x. Two vectors of sums hide latency. */
INLINE float sum_of(size_t count, const float *x) {
    vector sum[2] = {{0}};
    size_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        sum[0] += load(x + i);
        sum[1] += load(x + i + LANES);
    }
    for (; i < count; i += LANES)
        sum[0] += load_some(count - i < LANES ? count - i : LANES, x + i);
    return sum_lanes(sum[0] + sum[1]);
}

/* The sum of squares. */
INLINE float sum_of_squares(size_t count, const float *x) {
    vector sum[2] = {{0}};
    size_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        sum[0] = MULTIPLY_ADD(load(x + i), load(x + i), sum[0]);
        sum[1] = MULTIPLY_ADD(load(x + i + LANES), load(x + i + LANES), sum[1]);
    }
    for (; i < count; i += LANES) {
        vector rest = load_some(count - i < LANES ? count - i : LANES, x + i);
        sum[0] = MULTIPLY_ADD(rest, rest, sum[0]);
    }
    return sum_lanes(sum[0] + sum[1]);
}

/* The tiles, values and weights of attention in bfloat16 with FEAT_BF16. Include it after bfloat16_neon.h, and before
 * attention_bfloat16.h. */
#include "../portable/attention_bfloat16_block.h"

/* Queries of a block, a multiple of a tile's, and rows of a panel of keys. */
enum { QUERIES = 24, KEY_UNITS = 40 };

static void begin_tiles(void) {}
static void end_tiles(void) {}

/* score = query times `panels` panels of keys */
static void score_block(size_t queries, size_t panels, size_t width, const uint16_t *query, size_t stride,
                        const uint32_t *key, float *score) {
    for (size_t i = 0; i < panels; i++)
        gemm_bfloat16(queries, NATIVE_PANEL, width / 2, query, stride, key + i * KEY_UNITS * NATIVE_PANEL, NULL, NULL,
                      score + i * NATIVE_PANEL, SCORE_STRIDE);
}

INLINE void add_bfloat16_sums(uint32x4_t sum, size_t row, size_t v, const pair_results *to) {
    float *target = to->out + row * to->out_stride + 4 * v;
    vst1q_f32(target, vaddq_f32(vld1q_f32(target), vreinterpretq_f32_u32(sum)));
}

/* sum += weight times the values of a block */
static void add_block(size_t queries, size_t keys, const uint16_t *weight, const uint32_t *value, float *sum) {
    gemm_of_pairs(multiply_bfloat16, add_bfloat16_sums, queries, (keys + 1) / 2,
                  (pair_factors){weight, value, WEIGHT_STRIDE * sizeof *weight, COLUMNS}, NULL,
                  (pair_results){.out = sum, .out_stride = COLUMNS, .columns = COLUMNS});
}

/* Pairs the values of two keys, or of one and zeros, and zeros beyond the width. */
static void pair_values(int complete, size_t width, const uint16_t *even, size_t stride, uint32_t *pairs) {
    memset(pairs, 0, COLUMNS * sizeof *pairs);
    for (size_t c = 0; c < width; c++)
        pairs[c] = even[c];
    if (complete)
        for (size_t c = 0; c < width; c++)
            pairs[c] |= (uint32_t)even[stride + c] << 16;
}

/* 2^x for x <= 126, within 1e-4, which suffices for weights that are rounded to bfloat16. */
INLINE float exp2_rough(float x) {
    x = x < -126.0f ? -126.0f : x;
    float shifted = x + ROUNDER;
    float part = x - (shifted - ROUNDER);
    float p = MULTIPLY_ADD(part, 0.0551713f, 0.2402265f);
    p = MULTIPLY_ADD(p, part, 0.6931472f);
    p = MULTIPLY_ADD(p, part, 1.0f);
    return p * as_float((as_bits(shifted) - as_bits(ROUNDER) + 127u) << 23);
}

/* Softmax weights 2^(factor * score - maximum) of one query for `panels` times 32 keys. The maximum is one of the
 * scores so far. It changes, and the sums are rescaled, only if a weight would exceed 2^8: its value cancels out. */
INLINE void softmax_weights(size_t panels, float factor, const float *score, uint16_t *weight, float *maximum,
                            float *sum) {
    size_t keys = panels * NATIVE_PANEL;
    float now = largest_of(keys, score) * factor;
    if (now > *maximum + 8) {
        if (*maximum != -INFINITY) {
            float correction = exp2f(*maximum - now);
            scale_rows(1, COLUMNS, sum, COLUMNS, &correction);
        }
        *maximum = now;
    }
    float shift = *maximum;
    for (size_t i = 0; i < keys; i += 8) {
        float lanes[8];
        for (size_t j = 0; j < 8; j++)
            lanes[j] = exp2_rough(MULTIPLY_ADD(score[i + j], factor, -shift));
        bfloat16x8_t low = vcvtq_low_bf16_f32(vld1q_f32(lanes));
        vst1q_u16(weight + i, vreinterpretq_u16_bf16(vcvtq_high_bf16_f32(low, vld1q_f32(lanes + 4))));
    }
}

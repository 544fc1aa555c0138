/* A software model of AMX's tiles, for processors without them. It computes what the instructions compute, and ends the
 * program with a message where a processor would refuse an instruction.
 *
 * Integers are exact. Sums of bfloat16 products follow Intel's description: fused multiply-adds in float32, one sum of
 * the even elements and one of the odd ones, and numbers below float32's normal range are 0. Intel describes no more
 * than that, so a processor's sums may differ in their last bits.
 *
 * Include it after emulated_avx512.h, whose headers declare the real intrinsics. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_TILES = 8, MODEL_ROWS = 16, MODEL_BYTES = 64 };

/* The 64 bytes of a configuration. A processor has 8 tiles; the shapes of 8 more are reserved. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[2 * MODEL_TILES];
    uint8_t rows[2 * MODEL_TILES];
} model_shapes;

typedef union {
    uint8_t bytes[MODEL_BYTES];
    int8_t signed_bytes[MODEL_BYTES];
    int32_t integers[MODEL_BYTES / 4];
    float floats[MODEL_BYTES / 4];
    uint16_t halves[MODEL_BYTES / 2];
} model_row;

static _Thread_local struct {
    int is_configured;
    model_shapes shapes;
    model_row tile[MODEL_TILES][MODEL_ROWS];
} model;

static inline void model_check(int holds, const char *instruction, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", instruction, what);
    abort();
}

static inline void model_release(void) { memset(&model, 0, sizeof model); }

static inline void model_loadconfig(const void *memory) {
    model_shapes shapes;
    memcpy(&shapes, memory, sizeof shapes);
    model_check(shapes.palette <= 1, "ldtilecfg", "an unknown palette");
    model_release();
    if (shapes.palette == 0)
        return;
    model_check(shapes.start_row == 0, "ldtilecfg", "a start row, which only an interrupted instruction leaves");
    for (size_t i = 0; i < sizeof shapes.reserved; i++)
        model_check(shapes.reserved[i] == 0, "ldtilecfg", "a reserved byte is not 0");
    for (size_t i = 0; i < 2 * MODEL_TILES; i++) {
        int is_there = i < MODEL_TILES;
        model_check(is_there || (shapes.rows[i] == 0 && shapes.bytes[i] == 0), "ldtilecfg", "a tile that is not there");
        model_check(shapes.rows[i] <= MODEL_ROWS, "ldtilecfg", "too many rows");
        model_check(shapes.bytes[i] <= MODEL_BYTES, "ldtilecfg", "too many bytes");
        model_check((shapes.rows[i] == 0) == (shapes.bytes[i] == 0), "ldtilecfg", "rows without bytes, or the reverse");
    }
    model.shapes = shapes;
    model.is_configured = 1;
}

static inline void model_check_tile(int tile, const char *instruction) {
    model_check(model.is_configured, instruction, "without a configuration");
    model_check(tile >= 0 && tile < MODEL_TILES, instruction, "no such tile");
    model_check(model.shapes.rows[tile] > 0, instruction, "a tile without a shape");
}

static inline void model_zero(int tile) {
    model_check_tile(tile, "tilezero");
    memset(model.tile[tile], 0, sizeof model.tile[tile]);
}

/* Reads no more than the rows and bytes of the tile's shape; the rest of the tile becomes 0. */
static inline void model_loadd(int tile, const void *memory, size_t stride) {
    model_check_tile(tile, "tileloadd");
    memset(model.tile[tile], 0, sizeof model.tile[tile]);
    for (size_t row = 0; row < model.shapes.rows[tile]; row++)
        memcpy(&model.tile[tile][row], (const char *)memory + row * stride, model.shapes.bytes[tile]);
}

static inline void model_stored(int tile, void *memory, size_t stride) {
    model_check_tile(tile, "tilestored");
    for (size_t row = 0; row < model.shapes.rows[tile]; row++)
        memcpy((char *)memory + row * stride, &model.tile[tile][row], model.shapes.bytes[tile]);
}

/* sum[M][N] += left[M][K] * right[K][N], in elements of 4 bytes. */
static inline void model_check_product(int sum, int left, int right, const char *instruction) {
    model_check_tile(sum, instruction);
    model_check_tile(left, instruction);
    model_check_tile(right, instruction);
    model_check(sum != left && sum != right && left != right, instruction, "a tile twice");
    const uint16_t *bytes = model.shapes.bytes;
    const uint8_t *rows = model.shapes.rows;
    model_check(bytes[sum] % 4 == 0 && bytes[left] % 4 == 0, instruction, "bytes that are no multiple of 4");
    model_check(rows[sum] == rows[left], instruction, "M differs");
    model_check(bytes[sum] == bytes[right], instruction, "N differs");
    model_check(bytes[left] / 4 == rows[right], instruction, "K differs");
}

/* The four products of bytes, signed or not. Sums wrap. */
static inline void model_multiply_bytes(int sum, int left, int right, int left_is_signed, int right_is_signed,
                                        const char *instruction) {
    model_check_product(sum, left, right, instruction);
    for (size_t m = 0; m < model.shapes.rows[sum]; m++)
        for (size_t k = 0; k < model.shapes.bytes[left]; k++) {
            const model_row *x = &model.tile[left][m], *y = &model.tile[right][k / 4];
            int factor = left_is_signed ? x->signed_bytes[k] : x->bytes[k];
            for (size_t n = 0; n < model.shapes.bytes[sum] / 4u; n++) {
                size_t place = 4 * n + k % 4;
                int product = factor * (right_is_signed ? y->signed_bytes[place] : y->bytes[place]);
                int32_t *target = &model.tile[sum][m].integers[n];
                *target = (int32_t)((uint32_t)*target + (uint32_t)product);
            }
        }
}

static inline float model_flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }

static inline float model_widen(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return model_flush(x);
}

static inline void model_dpbf16ps(int sum, int left, int right) {
    model_check_product(sum, left, right, "tdpbf16ps");
    for (size_t m = 0; m < model.shapes.rows[sum]; m++) {
        float sums[MODEL_BYTES / 2] = {0};
        for (size_t k = 0; k < model.shapes.bytes[left] / 2u; k++) {
            float factor = model_widen(model.tile[left][m].halves[k]);
            for (size_t n = k % 2; n < model.shapes.bytes[sum] / 2u; n += 2)
                sums[n] = model_flush(fmaf(factor, model_widen(model.tile[right][k / 2].halves[n]), sums[n]));
        }
        for (size_t n = 0; n < model.shapes.bytes[sum] / 4u; n++) {
            float *target = &model.tile[sum][m].floats[n];
            *target = model_flush(model_flush(*target) + model_flush(sums[2 * n] + sums[2 * n + 1]));
        }
    }
}

/* The compiler's headers have some of these as macros. */
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_dpbuud
#undef _tile_dpbf16ps
#define _tile_loadconfig model_loadconfig
#define _tile_release model_release
#define _tile_zero model_zero
#define _tile_loadd model_loadd
#define _tile_stored model_stored
#define _tile_dpbssd(sum, left, right) model_multiply_bytes(sum, left, right, 1, 1, "tdpbssd")
#define _tile_dpbsud(sum, left, right) model_multiply_bytes(sum, left, right, 1, 0, "tdpbsud")
#define _tile_dpbusd(sum, left, right) model_multiply_bytes(sum, left, right, 0, 1, "tdpbusd")
#define _tile_dpbuud(sum, left, right) model_multiply_bytes(sum, left, right, 0, 0, "tdpbuud")
#define _tile_dpbf16ps model_dpbf16ps

/* The inner loops of the library: one table of functions for each instruction set, chosen at run time for each handle.
 *
 * `portable` is plain C without fused multiply-adds; blas.h may replace its float32 GEMM by OpenBLAS's. All have an
 * int8 GEMM: `avx_vnni` and `avx512_vnni` by the instructions of VNNI, `neon_dotprod` and `neon_i8mm` by those of
 * arm64. Only `avx512_bf16`, which also has VNNI, `amx`, and `neon_bf16`, which also has I8MM, have a bfloat16 GEMM.
 * The results of all are equal to the bit, except those of `portable` and of bfloat16 GEMMs. A second table called
 * `portable` has fused multiply-adds, by a function.
 *
 * `rows` and `columns` count rows and elements of a row. A `stride` is the distance between rows in elements.
 */
#ifndef PIXART_KERNELS_H
#define PIXART_KERNELS_H

#include "winograd.h"

#include <stddef.h>
#include <stdint.h>

/* A GEMM multiplies activation rows by panels of weights. A panel holds 32 outputs of a layer side by side, unit by
 * unit: [units][32]. A unit is 4 bytes of an output's weights: one float32, two bfloat16 or four int8. */
enum { NATIVE_PANEL = 32 };

/* How activation rows are stored for a GEMM. */
enum {
    NATIVE_FLOAT32 = 0,
    NATIVE_BFLOAT16 = 1,
    NATIVE_INT8 = 2,          /* 1 to 255 with zero point 128, and a scale for each row */
    NATIVE_ROUND_BFLOAT16 = 3 /* float32 that holds bfloat16 numbers: for sets without a bfloat16 GEMM */
};

/* Rows that a GEMM reads. The stride is in bytes, a multiple of 4. Elements between a row's last element and the end of
 * its last unit may be any finite numbers. */
typedef struct native_rows {
    void *_Nonnull elements;
    size_t stride;
    float *_Nullable scales; /* of NATIVE_INT8 */
    int type;
} native_rows;

/* The epilogue of a GEMM: what happens to a tile of sums. */
typedef struct native_epilogue {
    const float *_Nullable bias; /* added first, one for each column */
    const float *_Nullable gate; /* accumulate: out += gate * value, one for each column; NULL: gates of 1 */
    int accumulate;              /* out += value; else out = value */
    int gelu;                    /* value = gelu(value), tanh form */
    int multiply;                /* out = out * value */
    int type;                    /* of out: NATIVE_FLOAT32, NATIVE_BFLOAT16 or NATIVE_ROUND_BFLOAT16 */
} native_epilogue;

/* Formats of weights that other programs store, by the members of native_kernels.widen_block. */
typedef enum block_format {
    BLOCK_FLOAT8_E4M3,
    BLOCK_FLOAT8_E5M2,
    BLOCK_NORMAL_FLOAT4,
    BLOCK_FLOATING_POINT4,
    BLOCK_Q4_0,
    BLOCK_Q4_1,
    BLOCK_Q5_0,
    BLOCK_Q5_1,
    BLOCK_Q8_0,
    BLOCK_Q2_K,
    BLOCK_Q3_K,
    BLOCK_Q4_K,
    BLOCK_Q5_K,
    BLOCK_Q6_K,
    BLOCK_IQ4_NL,
    BLOCK_IQ4_XS,
    BLOCK_FORMATS_COUNT
} block_format;

/* Exact widening of `count` elements of a row, from the start of a block on. Scales, if the format has some outside of
 * its blocks, are those of the elements; NULL for eight-bit floats without. */
typedef void native_widen_block(size_t count, const uint8_t *_Nonnull source, const float *_Nullable scales,
                                float *_Nonnull target);
/* The int8 numbers of `count` elements, the same as quantize_int8's of the widened elements; returns the scale. */
typedef float native_quantize_block(size_t count, const uint8_t *_Nonnull source, int8_t *_Nonnull target);

typedef struct native_kernels {
    const char *_Nonnull name;
    int is_reproducible;     /* its results are equal to the bit to those of all other such tables */
    int prefers_blas;        /* native_kernels_with_blas may return a faster one */
    int uses_blas;           /* gemm_float32 is OpenBLAS's and needs native_blas_reserve */
    int row_tile;            /* rows that gemm_bfloat16 and gemm_int8 multiply together; 0: a divisor of 12 */
    int int8_rows;           /* rows that prepare_int8 takes at a time; 0: as many as gemm_int8 does */
    int multiplies_bfloat16; /* gemm_bfloat16 and attention_bfloat16 may be called */

    /* ---- GEMM ---- */

    /* Interleaves up to 32 rows of weights, `stride` bytes apart, into a panel. Missing outputs are 0. */
    void (*_Nonnull pack_panel)(size_t outputs, size_t units, const void *_Nonnull rows, size_t stride,
                                void *_Nonnull panel);
    /* out[rows][columns] (+)= left[rows][units] * panel, for columns <= 32. The panel is aligned to 64 bytes. As many
     * bytes as it has are prefetched from `ahead`, the source of the next panel; NULL if that is not known. Each
     * element is one chain of fused multiply-adds in the order of the units, and is added to the old one last. The
     * portable table's chain multiplies and then adds; OpenBLAS sums in another way. */
    void (*_Nonnull gemm_float32)(size_t rows, size_t columns, size_t units, const float *_Nonnull left,
                                  size_t left_stride, const float *_Nonnull panel, const void *_Nullable ahead,
                                  float *_Nonnull out, size_t out_stride, int accumulate);
    /* The same for bfloat16 pairs, summed in float32; out = sum * scale[column] if there are scales. */
    void (*_Nullable gemm_bfloat16)(size_t rows, size_t columns, size_t units, const uint16_t *_Nonnull left,
                                    size_t left_stride, const void *_Nonnull panel, const void *_Nullable ahead,
                                    const float *_Nullable column_scales, float *_Nonnull out, size_t out_stride);
    /* 128 times the sum of each of a panel's 32 columns: what the rows' zero point adds to int8 sums. */
    void (*_Nonnull zero_point_sums)(size_t units, const void *_Nonnull panel, int32_t *_Nonnull sums);
    /* Unpacks up to 32 outputs of `count` int4 numbers, from the start of a block on, into a panel of int8 with
     * `output_scales`, and returns their zero_point_sums. */
    void (*_Nonnull pack_int4)(size_t outputs, size_t count, const uint8_t *_Nonnull source,
                               const float *_Nonnull scales, const float *_Nonnull output_scales, void *_Nonnull panel,
                               int32_t *_Nonnull sums);
    /* Makes of int8 rows what gemm_int8 of the same table takes as `left`, for any number of panels. `prepared` has
     * native_prepared_bytes(rows, units) bytes, aligned to 64. NULL: gemm_int8 takes the rows as they are. */
    void (*_Nullable prepare_int8)(size_t rows, size_t units, const uint8_t *_Nonnull left, size_t left_stride,
                                   uint8_t *_Nonnull prepared);
    /* The same for int8, summed exactly: out = (sum - sums[column]) * row_scales[row] * column_scales[column]. */
    void (*_Nonnull gemm_int8)(size_t rows, size_t columns, size_t units, const uint8_t *_Nonnull left,
                               size_t left_stride, const void *_Nonnull panel, const void *_Nullable ahead,
                               const int32_t *_Nonnull sums, const float *_Nonnull row_scales,
                               const float *_Nonnull column_scales, float *_Nonnull out, size_t out_stride);
    /* Applies an epilogue to a tile [rows][columns] of float32, whose contents it may overwrite. */
    void (*_Nonnull apply_epilogue)(size_t rows, size_t columns, float *_Nonnull tile, size_t tile_stride,
                                    const native_epilogue *_Nonnull epilogue, void *_Nonnull out, size_t out_stride);

    /* ---- Attention ---- */

    /* out = softmax(scale * query key^T) value for one head in bfloat16, [queries][width] and [keys][width], width at
     * most 79; the sums are float32. `scratch` has NATIVE_ATTENTION_SCRATCH bytes, aligned to 64. */
    void (*_Nullable attention_bfloat16)(size_t queries, size_t keys, size_t width, float scale,
                                         const uint16_t *_Nonnull query, const uint16_t *_Nonnull key,
                                         const uint16_t *_Nonnull value, size_t stride, uint16_t *_Nonnull out,
                                         size_t query_stride, void *_Nonnull scratch);
    /* Quantizes the keys and values of one head, [keys][width] in bfloat16 or in float32, for attention_int8 of the
     * same table. `width` is less than NATIVE_HEAD_CHANNELS. `head` has native_head_bytes(keys) bytes; it and
     * `scratch`, NATIVE_ATTENTION_SCRATCH bytes, are aligned to 64. docs/numerics.md defines the numbers. */
    void (*_Nonnull lay_out_head)(size_t keys, size_t width, const native_rows *_Nonnull key,
                                  const native_rows *_Nonnull value, void *_Nonnull scratch, void *_Nonnull head);
    /* out = softmax(scale * query key^T) value for the head that was laid out, in int8. All tables give the same
     * bits. `query` and `out` are as the keys; they may be the same rows. */
    void (*_Nonnull attention_int8)(size_t queries, size_t keys, size_t width, float scale,
                                    const native_rows *_Nonnull query, const void *_Nonnull head,
                                    void *_Nonnull scratch, const native_rows *_Nonnull out);
    /* One block of an online softmax, for each row of scores: with z = scale * scores + bias (bias may be NULL, with
     * the stride bias_stride; scale > 0) and the row's running maximum and sum, new maximum = max(maximum, max z);
     * correction = exp(maximum - new maximum); scores = exp(z - new maximum);      sum = sum * correction + sum of
     * scores. Start with maximum = -INFINITY and sum = 0. */
    void (*_Nonnull softmax_block)(size_t rows, size_t columns, float scale, float *_Nonnull scores, size_t stride,
                                   const float *_Nullable bias, size_t bias_stride, float *_Nonnull maximum,
                                   float *_Nonnull sum, float *_Nonnull correction);
    /* Prefetches rows of `bytes` bytes, `stride` bytes apart. */
    void (*_Nonnull prefetch_rows)(size_t rows, size_t bytes, const void *_Nonnull start, size_t stride);
    /* x *= factor[row], for each row. */
    void (*_Nonnull scale_rows)(size_t rows, size_t columns, float *_Nonnull x, size_t stride,
                                const float *_Nonnull factor);

    /* ---- Rows ---- */

    /* out = x, in the form that a GEMM reads. */
    void (*_Nonnull store_rows)(size_t rows, size_t columns, const float *_Nonnull x, size_t x_stride,
                                const native_rows *_Nonnull out);
    /* The same from bfloat16. Here and below `work` has `columns` elements. */
    void (*_Nonnull store_bfloat16)(size_t rows, size_t columns, const uint16_t *_Nonnull x, size_t x_stride,
                                    float *_Nonnull work, const native_rows *_Nonnull out);
    /* out = (x - mean(x)) / sqrt(var(x) + epsilon) * (1 + scale) + shift, for each row. */
    void (*_Nonnull layer_norm_modulate)(size_t rows, size_t columns, const float *_Nonnull x, size_t x_stride,
                                         const float *_Nonnull shift, const float *_Nonnull scale, float epsilon,
                                         float *_Nonnull work, const native_rows *_Nonnull out);
    /* out = x / sqrt(mean(x^2) + epsilon) * weight, for each row. */
    void (*_Nonnull rms_norm)(size_t rows, size_t columns, const float *_Nonnull x, size_t x_stride,
                              const float *_Nonnull weight, float epsilon, float *_Nonnull work,
                              const native_rows *_Nonnull out);
    /* x = x / (1 + exp(-x)), elementwise. */
    void (*_Nonnull silu)(size_t count, float *_Nonnull x);
    /* out += x, elementwise. */
    void (*_Nonnull add)(size_t count, const float *_Nonnull x, float *_Nonnull out);

    /* ---- Stored weights ---- */

    /* Exact widening of `count` stored elements. */
    void (*_Nonnull widen_float16)(size_t count, const uint16_t *_Nonnull source, float *_Nonnull target);
    void (*_Nonnull widen_bfloat16)(size_t count, const uint16_t *_Nonnull source, float *_Nonnull target);
    native_widen_block *_Nonnull widen_block[BLOCK_FORMATS_COUNT];
    native_quantize_block *_Nullable quantize_block[BLOCK_FORMATS_COUNT]; /* of GGUF's formats */
    /* target = source * scale. */
    void (*_Nonnull widen_int8)(size_t count, const int8_t *_Nonnull source, float scale, float *_Nonnull target);
    /* Part of an output's int4 numbers, from the start of a group on: target = value * scale. docs/checkpoint-format.md
     * describes the blocks: eight inputs lie in four bytes, and the next eight 64 bytes further. */
    void (*_Nonnull widen_int4)(size_t count, const uint8_t *_Nonnull source, const float *_Nonnull scales,
                                float *_Nonnull target);
    /* Rounding to the nearest bfloat16, ties to even. */
    void (*_Nonnull narrow_bfloat16)(size_t count, const float *_Nonnull source, uint16_t *_Nonnull target);
    /* Exact: int8 numbers as bfloat16. */
    void (*_Nonnull int8_as_bfloat16)(size_t count, const int8_t *_Nonnull source, uint16_t *_Nonnull target);
    /* The scale of an output's `count` int4 numbers after conversion to int8. */
    float (*_Nonnull int4_scale)(size_t count, const float *_Nonnull scales);
    /* Converts part of an output's int4 numbers, from the start of a group on, to int8 with this scale, rounded. */
    void (*_Nonnull int4_as_int8)(size_t count, const uint8_t *_Nonnull source, const float *_Nonnull scales,
                                  float scale, int8_t *_Nonnull target);
    /* target = round(source / scale), -127 ... 127; returns the scale. */
    float (*_Nonnull quantize_int8)(size_t count, const float *_Nonnull source, int8_t *_Nonnull target);
    /* Quantizes up to four rows of `count` numbers to int4, at their place in a block, and writes the scales of their
     * groups. Scales are chosen for the least squared error. */
    void (*_Nonnull quantize_int4)(size_t outputs, size_t count, const float *_Nonnull source, uint8_t *_Nonnull target,
                                   float *_Nonnull scales);

    /* ---- Pixels ---- */

    /* sum[c] += x[., c] and square[c] += x[., c]^2 over the rows, in double. */
    void (*_Nonnull channel_sums)(size_t rows, size_t channels, const float *_Nonnull x, double *_Nonnull sum,
                                  double *_Nonnull square);
    /* out = x * scale[c] + shift[c], then SiLU if `with_silu` is not 0. */
    void (*_Nonnull transform_pixels)(size_t rows, size_t channels, const float *_Nonnull x,
                                      const float *_Nonnull scale, const float *_Nonnull shift, int with_silu,
                                      float *_Nonnull out);

    /* ---- Convolutions by Winograd's algorithm: see winograd.h ---- */

    /* Transforms the kernels of up to 32 outputs, [outputs][inputs][3][3], into panels, [inputs][NATIVE_PANEL], one for
     * each of the 36 positions, or of the 25 of an upsampling convolution, `plane_stride` elements apart. Missing
     * outputs are 0. Panels are aligned to 64 bytes. */
    void (*_Nonnull winograd_weights)(int upsample, size_t outputs, size_t inputs, const float *_Nonnull weights,
                                      float *_Nonnull panel, size_t plane_stride);
    /* Transforms a block's inputs. If there is a scale, x * scale[channel] + shift[channel] is applied first, then SiLU
     * if `silu` is not 0. */
    void (*_Nonnull winograd_input)(const native_winograd_block *_Nonnull block,
                                    const native_winograd_input *_Nonnull input, const float *_Nullable scale,
                                    const float *_Nullable shift);
    /* Writes a block's outputs with their bias, one for each of the image's channels. Adds the sums of the outputs to
     * sum[channel], and the sums of their squares to square[channel]. */
    void (*_Nonnull winograd_output)(const native_winograd_block *_Nonnull block,
                                     const native_winograd_output *_Nonnull output, const float *_Nonnull bias,
                                     double *_Nonnull sum, double *_Nonnull square);
} native_kernels;

enum { NATIVE_ATTENTION_SCRATCH = 512 * 1024 };

/* The memory of a head for int8 attention: blocks of keys, with room for so many channels. */
enum {
    NATIVE_HEAD_KEYS = 64,
    NATIVE_HEAD_CHANNELS = 80,
    NATIVE_HEAD_BLOCK_BYTES = 2 * NATIVE_HEAD_KEYS * NATIVE_HEAD_CHANNELS + 64,
    NATIVE_HEAD_BYTES = 2 * NATIVE_HEAD_CHANNELS * 4
};

static inline size_t native_head_bytes(size_t keys) {
    return NATIVE_HEAD_BYTES + (keys + NATIVE_HEAD_KEYS - 1) / NATIVE_HEAD_KEYS * NATIVE_HEAD_BLOCK_BYTES;
}

/* The bytes of a row that prepare_int8 has made: whole lines, but no whole pages, whose lines would share cache sets.
 */
static inline size_t native_prepared_stride(size_t units) {
    size_t bytes = (4 * units + 63) / 64 * 64;
    return bytes % 4096 == 0 ? bytes + 64 : bytes;
}

static inline size_t native_prepared_bytes(size_t rows, size_t units) {
    return (rows + 2) * native_prepared_stride(units);
}

/* Returns the table called `name`, or the best for this processor if `name` is NULL; only a reproducible one if
 * `reproducible` is not 0. Returns NULL if the processor lacks the instruction set, or if it is not reproducible. */
const native_kernels *_Nullable native_kernels_named(const char *_Nullable name, int reproducible);

/* widen_block[format] of a table. */
static inline void native_widen(const native_kernels *_Nonnull table, block_format format, size_t count,
                                const uint8_t *_Nonnull source, const float *_Nullable scales, float *_Nonnull target) {
    table->widen_block[format](count, source, scales, target);
}

/* quantize_block[format] of a table; NULL if it has none. */
static inline native_quantize_block *_Nullable native_quantizer(const native_kernels *_Nonnull table,
                                                                block_format format) {
    return table->quantize_block[format];
}

#endif

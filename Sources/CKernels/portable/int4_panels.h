/* Unpacks int4 numbers into a panel of int8. Include it after loops.h. */

/* A block of int4 numbers, and the scales of the int8 numbers. */
typedef struct {
    const uint8_t *source;
    const float *scales;
    size_t scale_columns;
    const float *output_scales;
} int4_block;

/* Inputs that are unpacked at a time, and their groups. */
enum { CHUNK = 128, CHUNK_GROUPS = CHUNK / GROUP_INPUTS };

/* Unpacks the CHUNK inputs of a block from `first` on into half a panel. Adds 128 times the numbers of each output to
 * `sums`. */
typedef void int4_chunk(const int4_block *block, size_t first, uint32_t *panel, int32_t *sums);

/* The same for any number of inputs, from the start of a group on, and of outputs: row by row. */
static void pack_some_int4(const int4_block *block, size_t outputs, size_t first, size_t count, uint32_t *panel,
                           int32_t *sums) {
    int8_t row[CHUNK];
    for (size_t output = 0; output < BLOCK_OUTPUTS; output++) {
        memset(row, 0, sizeof row);
        if (output < outputs)
            int4_as_int8(count, block->source + first / RUN * BLOCK_RUN + output * (RUN / 2),
                         block->scales + output / GROUP_OUTPUTS * block->scale_columns + first / GROUP_INPUTS,
                         block->output_scales[output], row);
        for (size_t i = 0; i < count; i++)
            sums[output] += 128 * row[i];
        for (size_t i = 0; i < count; i += 4)
            memcpy(panel + (first + i) / 4 * NATIVE_PANEL + output, row + i, sizeof *panel);
    }
}

/* pack_int4 of a kernel table, by a function for whole chunks. */
INLINE void pack_int4_by(int4_chunk *pack_chunk, size_t outputs, size_t count, const uint8_t *source,
                         const float *scales, const float *output_scales, void *panel, int32_t *sums) {
    int4_block block = {source, scales, (count + GROUP_INPUTS - 1) / GROUP_INPUTS, output_scales};
    memset(sums, 0, NATIVE_PANEL * sizeof *sums);
    for (size_t half = 0; half < NATIVE_PANEL; half += BLOCK_OUTPUTS) {
        uint32_t *columns = (uint32_t *)panel + half;
        size_t there = outputs > half ? outputs - half : 0, first = 0;
        if (there >= BLOCK_OUTPUTS)
            for (; first + CHUNK <= count; first += CHUNK)
                pack_chunk(&block, first, columns, sums + half);
        for (; first < count; first += CHUNK) /* ragged ends */
            pack_some_int4(&block, there, first, count - first < CHUNK ? count - first : CHUNK, columns, sums + half);
        block.source += (count + RUN - 1) / RUN * BLOCK_RUN;
        block.scales += BLOCK_OUTPUTS / GROUP_OUTPUTS * block.scale_columns;
        block.output_scales += BLOCK_OUTPUTS;
    }
}

/* The members of a kernel table for int8. */
#define INT8_KERNELS .zero_point_sums = zero_point_sums, .pack_int4 = pack_int4, .gemm_int8 = gemm_int8

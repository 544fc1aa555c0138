/* Panels of int8 in plain C: int4 numbers unpacked into them, and the sums of their columns. Include it after loops.h.
 */
#include "int4_panels.h"

static void pack_whole_chunk(const int4_block *block, size_t first, uint32_t *panel, int32_t *sums) {
    pack_some_int4(block, BLOCK_OUTPUTS, first, CHUNK, panel, sums);
}

static void pack_int4(size_t outputs, size_t count, const uint8_t *source, const float *scales,
                      const float *output_scales, void *panel, int32_t *sums) {
    pack_int4_by(pack_whole_chunk, outputs, count, source, scales, output_scales, panel, sums);
}

static void zero_point_sums(size_t units, const void *panel, int32_t *sums) {
    const int8_t *weights = panel;
    memset(sums, 0, NATIVE_PANEL * sizeof *sums);
    for (size_t unit = 0; unit < units; unit++, weights += 4 * NATIVE_PANEL)
        for (size_t c = 0; c < NATIVE_PANEL; c++)
            sums[c] += 128 * (weights[4 * c] + weights[4 * c + 1] + weights[4 * c + 2] + weights[4 * c + 3]);
}

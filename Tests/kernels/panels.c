/* Packing of panels against plain C, equal to the bit. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- pack_panel -------------------------------------------------------------------------------------------------- */

static size_t check_pack(const native_kernels *table, size_t outputs, size_t units) {
    size_t stride = 4 * units + 4 * random_below(3), mistakes = 0;
    uint8_t *rows = guarded(outputs * stride);
    uint32_t *panel = guarded(units * NATIVE_PANEL * sizeof *panel);
    table->pack_panel(outputs, units, rows, stride, panel);
    for (size_t i = 0; i < units * NATIVE_PANEL; i++) {
        size_t output = i % NATIVE_PANEL;
        uint32_t expected = 0;
        if (output < outputs)
            memcpy(&expected, rows + output * stride + i / NATIVE_PANEL * 4, sizeof expected);
        if (panel[i] != expected)
            mistakes += mistake("pack_panel", i / NATIVE_PANEL, output, panel[i], expected);
    }
    return mistakes + release(rows) + release(panel);
}

/* ---- pack_int4 --------------------------------------------------------------------------------------------------- */

/* The blocks of docs/checkpoint-format.md: 16 outputs by runs of 8 inputs, with a scale for 4 outputs by 16 inputs. */
typedef struct {
    size_t outputs, count, runs, groups;
    const uint8_t *source;
    const float *scales;
} int4_weights;

static int number_of(const int4_weights *w, size_t output, size_t input) {
    uint8_t both = w->source[output / 16 * w->runs * 64 + input / 8 * 64 + output % 16 * 4 + input % 4];
    return (input % 8 < 4 ? both & 15 : both >> 4) - 8;
}

/* The int8 number: a factor in units of 1/2048, times the int4 number, rounded half up. */
static int8_t int8_of(const int4_weights *w, size_t output, size_t input, float output_scale) {
    float inverse = output_scale > 0 ? 1 / output_scale : 0;
    float scaled = w->scales[output / 4 * w->groups + input / 16] * inverse;
    return (int8_t)floor((number_of(w, output, input) * rint((double)(scaled * 2048)) + 1024) / 2048);
}

static size_t check_int4(const native_kernels *table, size_t outputs, size_t count) {
    const size_t runs = (count + 7) / 8, groups = (count + 15) / 16, units = (count + 3) / 4;
    uint8_t *source = guarded(2 * runs * 64);
    float *scales = guarded(8 * groups * sizeof *scales), *output_scales = guarded(NATIVE_PANEL * sizeof *scales);
    uint8_t *panel = guarded(units * NATIVE_PANEL * 4);
    int32_t *sums = guarded(NATIVE_PANEL * sizeof *sums);
    for (size_t i = 0; i < 8 * groups; i++)
        scales[i] = random_normal();
    for (size_t i = 0; i < NATIVE_PANEL; i++)
        output_scales[i] = table->int4_scale(count, scales + i / 4 * groups);
    const int4_weights weights = {outputs, count, runs, groups, source, scales};
    table->pack_int4(outputs, count, source, scales, output_scales, panel, sums);
    size_t mistakes = 0;
    for (size_t output = 0; output < NATIVE_PANEL; output++) {
        int32_t sum = 0;
        for (size_t input = 0; input < 4 * units; input++) {
            int there = output < outputs && input < count;
            int expected = there ? int8_of(&weights, output, input, output_scales[output]) : 0;
            int found = (int8_t)panel[input / 4 * 4 * NATIVE_PANEL + 4 * output + input % 4];
            if (found != expected)
                mistakes += mistake("pack_int4", output, input, found, expected);
            sum += 128 * expected;
        }
        if (sums[output] != sum)
            mistakes += mistake("pack_int4's sums", 0, output, sums[output], sum);
    }
    return mistakes + release(source) + release(scales) + release(output_scales) + release(panel) + release(sums);
}

void test_panels(const native_kernels *table) {
    size_t mistakes = 0;
    for (size_t outputs = 1; outputs <= NATIVE_PANEL; outputs++)
        mistakes += check_pack(table, outputs, 1 + random_below(50));
    report(table, "pack_panel", mistakes);
    mistakes = 0;
    for (size_t outputs = 1; outputs <= NATIVE_PANEL; outputs++)
        mistakes += check_int4(table, outputs, 1 + random_below(400));
    mistakes += check_int4(table, NATIVE_PANEL, 1152);
    report(table, "pack_int4 is exact", mistakes);
}

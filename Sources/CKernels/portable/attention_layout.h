/* Laying out a head for int8 attention, as docs/numerics.md defines it: means, scales and 8-bit numbers. Include it
 * after order_keys and order_values of the instruction set. */

/* The scratch memory of laying out a head. */
typedef struct {
    float row[BLOCK_KEYS][CHANNELS]; /* 0 beyond the width */
    int8_t number[BLOCK_KEYS][CHANNELS];
    float key_mean[CHANNELS], inverse[CHANNELS];
    float least[CHANNELS], most[CHANNELS];
} layout_scratch;

_Static_assert(sizeof(layout_scratch) <= NATIVE_ATTENTION_SCRATCH, "NATIVE_ATTENTION_SCRATCH is too small");

INLINE size_t element_size(const native_rows *rows) {
    return rows->type == NATIVE_BFLOAT16 ? sizeof(uint16_t) : sizeof(float);
}

typedef uint16_t half_vector __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
typedef uint32_t bits_vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE void widen_lanes(const uint16_t *source, float *out) {
    *(bits_vector *)out = __builtin_convertvector(*(const half_vector *)source, bits_vector) << 16;
}

INLINE void read_row(const native_rows *rows, size_t row, size_t width, float *out) {
    if (rows->type != NATIVE_BFLOAT16) {
        memcpy(out, row_of(rows, row), width * sizeof *out);
        return;
    }
    const uint16_t *source = row_of(rows, row);
    if (width < LANES) {
        widen_bfloat16(width, source, out);
        return;
    }
    for (size_t c = 0; c + LANES <= width; c += LANES)
        widen_lanes(source + c, out + c);
    /* The last lanes, some of them once more. */
    widen_lanes(source + width - LANES, out + width - LANES);
}

/* Reads the rows of the block that begins with row `first`; returns how many there are. Prefetches as many behind them:
 * rows of a head lie far apart, so that the processor does not. */
static size_t read_tokens(const native_rows *rows, size_t first, size_t end, size_t width,
                          float out[BLOCK_KEYS][CHANNELS]) {
    size_t count = end - first < BLOCK_KEYS ? end - first : BLOCK_KEYS;
    for (size_t i = 0; i < count; i++) {
        size_t ahead = first + BLOCK_KEYS + i;
        if (ahead < end)
            for (size_t byte = 0; byte < width * element_size(rows); byte += 64)
                __builtin_prefetch((const char *)row_of(rows, ahead) + byte);
        read_row(rows, first + i, width, out[i]);
    }
    return count;
}

/* The mean, the least and the largest number of each channel. */
static void channel_statistics(const native_rows *rows, size_t count, size_t width, layout_scratch *s,
                               float mean[CHANNELS]) {
    for (size_t c = 0; c < CHANNELS; c++) {
        mean[c] = 0;
        s->least[c] = INFINITY;
        s->most[c] = -INFINITY;
    }
    for (size_t first = 0; first < count; first += BLOCK_KEYS) {
        size_t there = read_tokens(rows, first, count, width, s->row);
        for (size_t i = 0; i < CHANNELS; i += LANES) {
            vector sum = load(mean + i), least = load(s->least + i), most = load(s->most + i);
            for (size_t j = 0; j < there; j++) {
                vector x = load(s->row[j] + i);
                sum += x;
                least = __builtin_elementwise_min(least, x);
                most = __builtin_elementwise_max(most, x);
            }
            store(sum, mean + i);
            store(least, s->least + i);
            store(most, s->most + i);
        }
    }
    for (size_t c = 0; c < CHANNELS; c++)
        mean[c] /= (float)count;
}

/* The scales of values without their means. Rounding keeps the order of numbers, so the largest difference from the
 * mean is that of the least or of the largest number. A mean that is not finite gives a scale that is not. */
static void value_scales(layout_scratch *s, attention_head *head) {
    for (size_t c = 0; c < CHANNELS; c++) {
        uint32_t below = as_bits(s->least[c] - head->value_mean[c]) & 0x7fffffffu;
        uint32_t above = as_bits(s->most[c] - head->value_mean[c]) & 0x7fffffffu;
        head->value_scale[c] = as_float(below > above ? below : above) / 127.0f;
        s->inverse[c] = head->value_scale[c] > 0 ? 1 / head->value_scale[c] : 0;
    }
}

/* Quantizes `count` keys without their mean; those beyond are copies of the last one. Returns their scale. */
static float quantize_keys(size_t count, layout_scratch *s) {
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            s->row[i][c] -= s->key_mean[c];
    float scale = quantize_int8(count * CHANNELS, s->row[0], s->number[0]);
    for (size_t i = count; i < BLOCK_KEYS; i++)
        memcpy(s->number[i], s->number[count - 1], sizeof *s->number);
    return scale;
}

/* Quantizes `count` values without their mean, with 1 in the channel `width`. */
static void quantize_values(size_t count, size_t width, const attention_head *head, layout_scratch *s) {
    memset(s->number[count], 0, (BLOCK_KEYS - count) * sizeof *s->number);
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < CHANNELS; c++)
            s->number[i][c] = int8_of((s->row[i][c] - head->value_mean[c]) * s->inverse[c]);
        s->number[i][width] = 1;
    }
}

/* First all keys and then all values: those of a long head fit into the second cache, but not both. */
static void lay_out_head(size_t keys, size_t width, const native_rows *key, const native_rows *value, void *scratch,
                         void *head) {
    layout_scratch *s = scratch;
    attention_head *out = head;
    memset(s->row, 0, sizeof s->row);
    channel_statistics(key, keys, width, s, s->key_mean);
    attention_block *block = out->block;
    for (size_t first = 0; first < keys; first += BLOCK_KEYS, block++) {
        size_t count = read_tokens(key, first, keys, width, s->row);
        block->key_scale = quantize_keys(count, s);
        order_keys(s->number, block);
    }
    channel_statistics(value, keys, width, s, out->value_mean);
    value_scales(s, out);
    block = out->block;
    for (size_t first = 0; first < keys; first += BLOCK_KEYS, block++) {
        quantize_values(read_tokens(value, first, keys, width, s->row), width, out, s);
        order_values(s->number, block);
    }
}

/* Laying out a head for int8 attention, as docs/numerics.md defines it: means, scales and 8-bit numbers. Include it
 * after order_block of the instruction set. */

/* The scratch memory of laying out a head. */
typedef struct {
    float row[BLOCK_KEYS][CHANNELS]; /* 0 beyond the width */
    int8_t key[BLOCK_KEYS][CHANNELS], value[BLOCK_KEYS][CHANNELS];
    float key_mean[CHANNELS], inverse[CHANNELS];
} layout_scratch;

_Static_assert(sizeof(layout_scratch) <= NATIVE_ATTENTION_SCRATCH, "NATIVE_ATTENTION_SCRATCH is too small");

INLINE size_t element_size(const native_rows *rows) {
    return rows->type == NATIVE_BFLOAT16 ? sizeof(uint16_t) : sizeof(float);
}

INLINE void read_row(const native_rows *rows, size_t row, size_t width, float *out) {
    if (rows->type == NATIVE_BFLOAT16)
        widen_bfloat16(width, row_of(rows, row), out);
    else
        memcpy(out, row_of(rows, row), width * sizeof *out);
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

static void channel_means(const native_rows *rows, size_t count, size_t width, float row[BLOCK_KEYS][CHANNELS],
                          float mean[CHANNELS]) {
    for (size_t c = 0; c < CHANNELS; c++)
        mean[c] = 0;
    for (size_t first = 0; first < count; first += BLOCK_KEYS) {
        size_t there = read_tokens(rows, first, count, width, row);
        for (size_t i = 0; i < there; i++)
            for (size_t c = 0; c < CHANNELS; c++)
                mean[c] += row[i][c];
    }
    for (size_t c = 0; c < CHANNELS; c++)
        mean[c] /= (float)count;
}

/* The scales of values without their means. */
static void value_scales(const native_rows *rows, size_t count, size_t width, float row[BLOCK_KEYS][CHANNELS],
                         const float mean[CHANNELS], float scale[CHANNELS], float inverse[CHANNELS]) {
    uint32_t largest[CHANNELS] = {0};
    for (size_t first = 0; first < count; first += BLOCK_KEYS) {
        size_t there = read_tokens(rows, first, count, width, row);
        for (size_t i = 0; i < there; i++)
            for (size_t c = 0; c < CHANNELS; c++) {
                uint32_t magnitude = as_bits(row[i][c] - mean[c]) & 0x7fffffffu;
                largest[c] = magnitude > largest[c] ? magnitude : largest[c];
            }
    }
    for (size_t c = 0; c < CHANNELS; c++) {
        scale[c] = as_float(largest[c]) / 127.0f;
        inverse[c] = scale[c] > 0 ? 1 / scale[c] : 0;
    }
}

/* Quantizes `count` keys without their mean; those beyond are copies of the last one. Returns their scale. */
static float quantize_keys(size_t count, layout_scratch *s) {
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            s->row[i][c] -= s->key_mean[c];
    float scale = quantize_int8(count * CHANNELS, s->row[0], s->key[0]);
    for (size_t i = count; i < BLOCK_KEYS; i++)
        memcpy(s->key[i], s->key[count - 1], sizeof *s->key);
    return scale;
}

/* Quantizes `count` values without their mean, with 1 in the channel `width`. */
static void quantize_values(size_t count, size_t width, const attention_head *head, layout_scratch *s) {
    memset(s->value, 0, sizeof s->value);
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < CHANNELS; c++)
            s->value[i][c] = int8_of((s->row[i][c] - head->value_mean[c]) * s->inverse[c]);
        s->value[i][width] = 1;
    }
}

static void lay_out_head(size_t keys, size_t width, const native_rows *key, const native_rows *value, void *scratch,
                         void *head) {
    layout_scratch *s = scratch;
    attention_head *out = head;
    memset(s->row, 0, sizeof s->row);
    channel_means(key, keys, width, s->row, s->key_mean);
    channel_means(value, keys, width, s->row, out->value_mean);
    value_scales(value, keys, width, s->row, out->value_mean, out->value_scale, s->inverse);
    attention_block *block = out->block;
    for (size_t first = 0; first < keys; first += BLOCK_KEYS, block++) {
        size_t count = read_tokens(value, first, keys, width, s->row);
        quantize_values(count, width, out, s);
        read_tokens(key, first, keys, width, s->row);
        block->key_scale = quantize_keys(count, s);
        order_block(s->key, s->value, width, block);
    }
}

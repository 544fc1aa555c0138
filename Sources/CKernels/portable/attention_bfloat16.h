/* Flash attention in bfloat16: one block of keys at a time, with an online softmax. Include it after the tiles,
 * pair_values and softmax_weights of the instruction set. */

/* Queries whose sums are held. */
enum { QUERY_CHUNK = 512 };

/* The scratch memory of one call of attention_bfloat16. */
typedef struct {
    uint32_t key[KEYS / NATIVE_PANEL][KEY_UNITS][NATIVE_PANEL]; /* panels of pairs along the head's width */
    uint32_t value[KEYS / 2][COLUMNS];                          /* pairs of keys */
    float sum[QUERY_CHUNK][COLUMNS];                            /* weighted values, and the weights' sum */
    float score[QUERIES][SCORE_STRIDE];
    uint16_t weight[QUERIES][WEIGHT_STRIDE];
    float maximum[QUERY_CHUNK];
} attention_scratch;

_Static_assert(sizeof(attention_scratch) <= NATIVE_ATTENTION_SCRATCH, "NATIVE_ATTENTION_SCRATCH is too small");

/* Packs a block of keys and values. Elements beyond the last key are 0. */
static void pack_block(attention_scratch *s, size_t keys, size_t width, const uint16_t *key, const uint16_t *value,
                       size_t stride) {
    for (size_t first = 0; first < keys; first += NATIVE_PANEL) {
        size_t count = keys - first < NATIVE_PANEL ? keys - first : NATIVE_PANEL;
        pack_panel(count, width / 2, key + first * stride, stride * sizeof *key, s->key[first / NATIVE_PANEL]);
    }
    for (size_t pair = 0; pair < (keys + 1) / 2; pair++) {
        int complete = 2 * pair + 1 < keys;
        pair_values(complete, width, value + 2 * pair * stride, stride, s->value[pair]);
        s->value[pair][width] = complete ? 0x3f803f80u : 0x3f80u; /* 1, which sums the weights */
    }
    /* Tiles end at a multiple of 32 keys. */
    size_t pairs = (keys + 1) / 2, end = (keys + NATIVE_PANEL - 1) / NATIVE_PANEL * NATIVE_PANEL / 2;
    memset(s->value[pairs], 0, (end - pairs) * sizeof *s->value);
}

/* Adds a block of keys to the sums of up to QUERIES queries. */
static void attend_block(attention_scratch *s, size_t first, size_t queries, size_t keys, size_t width, float factor,
                         const uint16_t *query, size_t query_stride) {
    size_t panels = (keys + NATIVE_PANEL - 1) / NATIVE_PANEL;
    score_block(queries, panels, width, query, query_stride, s->key[0][0], s->score[0]);
    for (size_t row = 0; row < queries; row++) {
        for (size_t key = keys; key < panels * NATIVE_PANEL; key++)
            s->score[row][key] = -INFINITY;
        softmax_weights(panels, factor, s->score[row], s->weight[row], s->maximum + first + row, s->sum[first + row]);
    }
    add_block(queries, keys, s->weight[0], s->value[0], s->sum[first]);
}

static void attend_chunk(attention_scratch *s, size_t queries, size_t keys, size_t width, float factor,
                         const uint16_t *query, const uint16_t *key, const uint16_t *value, size_t stride,
                         uint16_t *out, size_t query_stride) {
    memset(s->sum, 0, queries * sizeof *s->sum);
    for (size_t row = 0; row < queries; row++)
        s->maximum[row] = -INFINITY;
    for (size_t first = 0; first < keys; first += KEYS) {
        size_t count = keys - first < KEYS ? keys - first : KEYS;
        pack_block(s, count, width, key + first * stride, value + first * stride, stride);
        for (size_t row = 0; row < queries; row += QUERIES) {
            /* Prefetches a share of the next block. */
            size_t next = first + KEYS + row / 2, share = QUERIES / 2;
            if (next + share <= keys) {
                prefetch_rows(share, width * sizeof *key, key + next * stride, stride * sizeof *key);
                prefetch_rows(share, width * sizeof *value, value + next * stride, stride * sizeof *value);
            }
            attend_block(s, row, queries - row < QUERIES ? queries - row : QUERIES, count, width, factor,
                         query + row * query_stride, query_stride);
        }
    }
    for (size_t row = 0; row < queries; row++) {
        float inverse = 1 / s->sum[row][width];
        for (size_t i = 0; i < width; i++)
            out[row * query_stride + i] = bfloat16_of(s->sum[row][i] * inverse);
    }
}

static void attention_bfloat16(size_t queries, size_t keys, size_t width, float scale, const uint16_t *query,
                               const uint16_t *key, const uint16_t *value, size_t stride, uint16_t *out,
                               size_t query_stride, void *scratch) {
    const float log2_of_e = 1.44269504f;
    attention_scratch *s = scratch;
    memset(s->key, 0, sizeof s->key); /* units beyond the width stay 0 */
    begin_tiles();
    for (; queries > 0; query += QUERY_CHUNK * query_stride, out += QUERY_CHUNK * query_stride) {
        size_t count = queries < QUERY_CHUNK ? queries : QUERY_CHUNK;
        attend_chunk(s, count, keys, width, scale * log2_of_e, query, key, value, stride, out, query_stride);
        queries -= count;
    }
    end_tiles();
}

/* What the tiles of attention in bfloat16 share. */
#pragma once

/* Keys of a block. Columns of a head's values: one column is 1 and sums the softmax weights. Rows of scores and weights
 * are longer than a block, so that they lie in different sets of the cache. */
enum { KEYS = 256, COLUMNS = 80, SCORE_STRIDE = KEYS + 16, WEIGHT_STRIDE = KEYS + 32 };

/* The shapes of AMX's tiles. */
#pragma once

/* A tile has at most 16 rows of 64 bytes. What is multiplied are units of 4 bytes. */
enum { TILE_ROWS = 16, TILE_UNITS = 16, TILE_BYTES = 64 };

/* The operand of _tile_loadconfig. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

_Static_assert(sizeof(tile_shapes) == 64, "the processor reads 64 bytes");

/* So many tiles, as large as they can be. */
INLINE tile_shapes largest_tiles(size_t count) {
    tile_shapes shapes = {.palette = 1};
    for (size_t i = 0; i < count; i++) {
        shapes.rows[i] = TILE_ROWS;
        shapes.row_bytes[i] = TILE_BYTES;
    }
    return shapes;
}

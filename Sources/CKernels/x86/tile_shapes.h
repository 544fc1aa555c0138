/* The operand of _tile_loadconfig. */
#pragma once

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

/* Tiles of 16 rows of 64 bytes. */
INLINE tile_shapes largest_tiles(size_t count) {
    tile_shapes shapes = {.palette = 1};
    for (size_t i = 0; i < count; i++) {
        shapes.rows[i] = 16;
        shapes.row_bytes[i] = 64;
    }
    return shapes;
}

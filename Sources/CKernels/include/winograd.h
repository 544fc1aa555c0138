/* 3x3 convolutions by Winograd's F(4x4, 3x3). The image is covered with tiles of 4x4 outputs. A tile needs 36
 * multiplications for a pair of channels instead of 144. With the matrices A, B and G of the algorithm, a tile is
 *
 *     y = A^T ((G g G^T) . (B^T d B)) A
 *
 * for its 6x6 inputs d and the kernel g. The elementwise product becomes one GEMM for each of the 36 positions, over
 * all channels of many tiles. The points are 0, +-5/8, +-3/2 and infinity. Their rounding error is a third of that of
 * the usual points 0, +-1, +-2.
 *
 * If the image is upsampled by nearest neighbours before the convolution, the original pixels are convolved: of the 6
 * inputs in a row of a tile only 4 differ, (s0, s1, s1, s2, s2, s3), and with the taps (g0, g1, g2) the outputs are
 *
 *     y0 = g0 (s0 - s2) + S - X,   y1 = S + Y,   y2 = S + X,   y3 = S - Y - g2 (s1 - s3)
 *     S = (g0 + g1 + g2)/2 (s1 + s2),   X = (g0 - g1 - g2)/2 (s1 - s2),   Y = (g0 + g1 - g2)/2 (s1 - s2)
 *
 * That is 25 multiplications for a tile of 4x4 different inputs.
 *
 * The functions on these structures are in the tables of kernels.h. Channels are handled 16 at a time. */
#ifndef PIXART_WINOGRAD_H
#define PIXART_WINOGRAD_H

#include <stddef.h>

enum { NATIVE_WINOGRAD_LANES = 16 };

/* A block of tiles, [rows][columns]. Its first output is at (top, left) of an image of height x width outputs. The last
 * tiles of a row and a column may reach beyond the image. */
typedef struct native_winograd_block {
    size_t height, width, top, left, rows, columns;
    int upsample; /* the input is half as high and wide; height, width, top and left are even */
} native_winograd_block;

/* The inputs of a block, and the planes for the transformed inputs. */
typedef struct native_winograd_input {
    const float *_Nonnull pixels; /* [held * columns of the input][channels]; row r is at r % held */
    size_t held, channels;
    int silu;                         /* SiLU after scale and shift */
    float *_Nonnull work;             /* NATIVE_WINOGRAD_LANES for each input pixel of the block and a border of 1 */
    float *_Nonnull planes;           /* [36, or 16 if upsampled][tiles][channels rounded up to lanes] */
    size_t plane_stride, tile_stride; /* in elements */
} native_winograd_input;

/* The planes that the outputs of a block are computed from, and the channels of the image that they are. */
typedef struct native_winograd_output {
    const float *_Nonnull planes; /* [36, or 25 if upsampled][tiles][end - first rounded up to lanes] */
    size_t plane_stride, tile_stride;
    float *_Nonnull pixels; /* [held * width][channels]; row r is at r % held */
    size_t held;            /* a multiple of 4, or at least the height */
    size_t channels, first, end;
    int accumulate; /* add to the contents of `pixels` */
    int relu;       /* negative sums become 0 */
} native_winograd_output;

#endif

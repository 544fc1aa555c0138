/* 3x3 convolutions by oneDNN, one horizontal band of an image at a time, on the calling thread only.
 *
 * A band of `rows` output rows needs rows + 2 input rows: the caller puts zeros where a row lies outside the image.
 * Columns outside the image are zero by themselves. Pixels lie in planes of `block` channels: [C / block][rows][width]
 * [block]; block == C means that a pixel's channels lie together. */
#ifndef PIXART_CONVOLUTION_H
#define PIXART_CONVOLUTION_H

#include <stddef.h>

/* A plan for one geometry: immutable, may run on many threads at once. */
typedef struct native_convolution native_convolution;

/* Makes oneDNN single-threaded on the calling thread, and on no other. Call it first on each thread that uses a plan or
 * makes one. */
void native_convolution_prepare_thread(void);

/* Returns NULL where memory is lacking or oneDNN has no implementation. Prefers Winograd's F(4x4, 3x3), which needs a
 * quarter of the products and rounds about as well, and else the direct algorithm. */
native_convolution *native_convolution_create(size_t in_channels, size_t out_channels, size_t rows, size_t width);
void native_convolution_release(native_convolution *plan);

size_t native_convolution_in_block(const native_convolution *plan);
size_t native_convolution_out_block(const native_convolution *plan);
size_t native_convolution_weights_bytes(const native_convolution *plan); /* of prepared weights */
size_t native_convolution_scratch_bytes(const native_convolution *plan);

/* Brings weights from [out][in][3][3] into the order the plan wants. Returns 0, or a oneDNN status. */
int native_convolution_prepare_weights(const native_convolution *plan, const float *weights, void *prepared);

/* Convolves one band. `prepared`, `source`, `target` and `scratch` are aligned to 64 bytes. Returns 0, or a oneDNN
 * status. */
int native_convolution_run(const native_convolution *plan, const void *prepared, const float *source, float *target,
                           void *scratch);

#endif

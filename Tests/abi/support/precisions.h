/*
 * Runs of the model under test in other precisions than the stored one, and the errors that they may have.
 */
#ifndef PRECISIONS_H
#define PRECISIONS_H

#include "stages.h"

/* The result of each stage in one run of SHORT. */
typedef struct {
    pixart_tensor *embedding, *latents, *images;
} results;

/* Opens each part of the model, the first two with `options` and the VAE with `decoder`, and runs them. */
results run_stages(const char *model, const char *options, const char *decoder);
void results_release(results r);

/* A precision of weights with the largest relative error (root mean square) of the embedding and the latents of the
 * emoji model: about twice the measured one. Images may differ by as many steps of 255. */
typedef struct {
    const char *name;
    double embedding, latents, images;
} precision;

enum { PRECISIONS = 4 };
extern const precision precisions[PRECISIONS]; /* float32, bfloat16, int8, int4 */

/* The results are within the precision's error of the original's, and differ from them if the precision does. */
void check_close(results found, results original, const precision *bounds);

/* Relative error of float32 tensors of one shape. */
double relative_error(const pixart_tensor *found, const pixart_tensor *expected);

#endif

/*
 * The model under test, opened, and short runs on it. Everything here requires success: a failure ends the test.
 */
#ifndef STAGES_H
#define STAGES_H

#include "check.h"

#define PROMPT "a cute cat face on a blue background"

/* Options of a short run of a small image, with a first, a middle and a last step; `more` are further options. */
#define STEPS 3
#define RUN(more) "{\"num_inference_steps\": 3, \"height\": 64, \"width\": 64, " more "}"
#define SHORT RUN("\"seed\": 7")

pixart_encoder *open_encoder(const char *model);
pixart_denoiser *open_denoiser(const char *model);
pixart_decoder *open_decoder(const char *model);
pixart_image_encoder *open_image_encoder(const char *model);

/* The embedding of a prompt with the default options. */
pixart_tensor *encode(const pixart_encoder *encoder, const char *prompt);

/* The prompt's and the empty prompt's embedding; opens and releases an encoder. */
typedef struct {
    pixart_tensor *prompt, *negative;
} embeddings;
embeddings encode_prompts(const char *model);
void embeddings_release(embeddings both);

/* The latents of a run without a callback. */
pixart_tensor *denoise(const pixart_denoiser *denoiser, embeddings both, const char *options);

/* A sampler before its first step, and one driven to its end. */
pixart_sampler *create_sampler(const pixart_denoiser *denoiser, embeddings both, const char *options);
void drive(pixart_sampler *sampler);

/* A copy of the sampler's latents, and of its predicted original. */
pixart_tensor *sampler_latents(const pixart_sampler *sampler);
pixart_tensor *sampler_estimate(const pixart_sampler *sampler);

/* Drives a sampler to its end, releases it, and returns its latents. */
pixart_tensor *finish(pixart_sampler *sampler);

/* Returns 1 if two float32 tensors have the same bytes. */
int equal(const pixart_tensor *a, const pixart_tensor *b);

/* The difference between image `index` of a batch and a separate run, [1, ...], relative to the largest element of the
 * run. A GEMM with more rows may round differently in the last bit, and that grows a little in a run of a few steps. */
float batch_error(const pixart_tensor *batch, int64_t index, const pixart_tensor *single);

/* The bound of batch_error(): a few hundred times the rounding of float32, and a hundredth of one step of an 8-bit
 * image. */
#define BATCH_BOUND 2e-5f

/* The images of latents with the default options. */
pixart_tensor *decode(const pixart_decoder *decoder, const pixart_tensor *latents);

/* A tensor of the given dimensions, all elements zero bytes. */
pixart_tensor *zeros(int32_t type, size_t rank, const int64_t *shape);

void release_tensors(pixart_tensor **tensors, int count);

/* Images, uint8, of smooth colours. */
pixart_tensor *colours(size_t rank, const int64_t *shape);

/* Latents of the model, 2 by 2, all zero. */
pixart_tensor *blank_latents(void);

/* The integer at `key` of a JSON file of the model. */
int64_t model_integer(const char *file, const char *key);

/* Writes the weights of an edge detector, all 0: it finds half an edge everywhere. */
void write_edge_detector(const char *path);

#endif

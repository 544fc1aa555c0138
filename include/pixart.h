/*
 * libpixart: PixArt-alpha and PixArt-Sigma text-to-image on CPUs, for other people's programs.
 *
 *     text -- encode --> embedding [S, E] -- denoise --> latents [B, C, Y, X] -- decode --> images [B, 8Y, 8X, 3]
 *             T5 encoder                     PixArt transformer x steps            VAE decoder
 *
 * A host opens three things, each with its own lifetime, and calls three verbs. Releasing the encoder before opening
 * the denoiser is how a picture is made in little memory: nothing is loaded that a stage does not use. Who starts from a
 * picture opens a fourth, pixart_image_encoder, which turns images into latents.
 *
 *     pixart_encoder *encoder;  pixart_tensor *prompt, *negative;
 *     pixart_encoder_open("PixArt-XL-2-512x512", NULL, &encoder);
 *     pixart_encode(encoder, "a small cactus with a happy face", NULL, &prompt);
 *     pixart_encode(encoder, "", NULL, &negative);
 *     pixart_encoder_release(encoder);
 *
 *     pixart_denoiser *denoiser;  pixart_tensor *latents;
 *     pixart_denoiser_open("PixArt-XL-2-512x512", NULL, &denoiser);
 *     pixart_denoise(denoiser, prompt, negative, "{\"seed\": 7}", NULL, NULL, &latents);
 *     pixart_denoiser_release(denoiser);
 *
 *     pixart_decoder *decoder;  pixart_tensor *images;
 *     pixart_decoder_open("PixArt-XL-2-512x512", NULL, &decoder);
 *     pixart_decode(decoder, latents, NULL, &images);
 *     pixart_image_write(images, 0, "cactus.png", NULL);
 *
 * Rules that hold everywhere and are not repeated below:
 *
 *   Status     Every function that can fail returns a pixart_status. On failure its out-parameters are set to NULL or
 *              zero and pixart_error_message() describes the failure until the thread's next failing call.
 *   Ownership  What comes out of an out-parameter belongs to the caller, who releases it with the function of its type.
 *              Inputs are borrowed for the call only. Objects keep alive what they need of each other, so any order of
 *              release is safe. release(NULL) does nothing.
 *   Threads    `const` on an opened object means that any number of threads may use it at once. Everything else must be
 *              used by one thread at a time. There is no global state: two models never notice each other.
 *   Text       UTF-8, terminated by NUL. Ill-formed UTF-8 is an argument error. Names are compared byte by byte.
 *   Options    A JSON object, or NULL or "" for the defaults. Keys are named as in diffusers. An unknown key, a wrong type
 *              or a value out of range is PIXART_ERROR_OPTION, and the message names the key and what is allowed.
 *              pixart_options_schema() gives each verb's options as JSON Schema; docs/options.md is made from it.
 *   Numbers    Embeddings and latents that the caller passes are finite. A NaN or an infinity in an
 *              argument that a call uses is PIXART_ERROR_ARGUMENT, and the message names the argument
 *              and the index of its first such element. Weights are not searched: if they lead to
 *              numbers that are not finite, encode and the steps of a run return them, an image shows
 *              NaN as 0, and the next stage refuses them.
 *   Failures   Any call may fail with PIXART_ERROR_ARGUMENT (a required pointer is NULL, text is not UTF-8), with
 *              PIXART_ERROR_OPTION where it takes options, and with PIXART_ERROR_MEMORY. Functions list what else can fail.
 *   Files      Only regular files are read and replaced. A symbolic link is followed in both; a file that is replaced keeps
 *              its permissions, and holds the old content until all of the new is on the disk. A full disk and
 *              RLIMIT_FSIZE are PIXART_ERROR_FILE; SIGXFSZ is not raised. A checkpoint's JSON files are read as
 *              Python reads them: the last of members of one name counts, and 1.0 is an integer.
 *              A checkpoint's weights are mapped while a handle or its samplers live. Replacing those files is safe;
 *              truncating them in place ends the process, as with any mapped file.
 *   Processes  Handles have threads, which do not survive fork(). In the child, each call on a handle that it inherited
 *              is PIXART_ERROR_STATE, or returns 0 if it returns no status, and releasing the handle does nothing; its
 *              memory stays. Tensors are usable, and so are handles that the child opens, whatever other threads do at the
 *              moment of fork(). The library stays loaded after dlclose().
 *   Precision  Weights are used as they are stored and computed with in float32 unless the options of an open say
 *              otherwise; pixart_convert() stores them in another precision once and for all. Products of
 *              bfloat16 and int8 give slightly different numbers on different instruction sets.
 *   Silence    The library prints nothing, ends no process, and changes no setting of the host. It computes in the default
 *              floating-point environment, whatever the host's is. Callbacks run in the host's, which is as before when
 *              a call returns, its flags included.
 *
 * Letters in shapes: B images of a batch, S text tokens, E caption width, C latent channels, Y X latent rows and columns.
 * A latent stands for 8 x 8 pixels, as in all published checkpoints.
 */
#ifndef PIXART_H
#define PIXART_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ------------------------------------------------------------------------------------------------------ */

/* Outcome of a call: PIXART_OK or one of the errors below. Values are pinned and never reused; hosts should treat an
 * unknown value of a group (the hundreds) as they treat the group. */
typedef int32_t pixart_status;

#define PIXART_OK              0

/* 100: the call itself */
#define PIXART_ERROR_ARGUMENT  101 /* a required pointer is NULL, a tensor has the wrong shape or type, text is not UTF-8 */
#define PIXART_ERROR_OPTION    102 /* options are not a JSON object, or a key is unknown, of the wrong type or out of range */
#define PIXART_ERROR_STATE     103 /* the object cannot do this now: a finished sampler has no next step */

/* 200: files */
#define PIXART_ERROR_FILE      201 /* a file is missing, or cannot be read or written */
#define PIXART_ERROR_FORMAT    202 /* a file is not what its name says: truncated, malformed, inconsistent */
#define PIXART_ERROR_MODEL     203 /* a well-formed checkpoint that does not fit: a tensor or key missing, unknown, or of
                                      the wrong shape or type, or an architecture that is not supported */

/* 300: resources */
#define PIXART_ERROR_MEMORY    301 /* memory cannot be had */

/* 400: the host */
#define PIXART_CANCELLED       401 /* the progress callback asked to stop */

/* 900: the library */
#define PIXART_ERROR_INTERNAL  901 /* a defect of the library; please report it with the message */

/* Name of a status, such as "PIXART_ERROR_OPTION"; "unknown status" for other values. Static, never NULL. */
const char *pixart_status_name(pixart_status status);

/* What went wrong in this thread's last failing call: the file, tensor, key or argument, what was found and what was
 * expected. One line of printable text: controls and invisible characters of names are escaped as in JSON (\u001b), and of
 * a text of more than 5,000 characters the middle is left out. "" before the first failure. Never NULL; valid until the
 * thread's next failing call. */
const char *pixart_error_message(void);

/* Version of the library as "major.minor.patch". Static, never NULL. A host compiled against the header of 1.0 runs on
 * every 1.x. */
const char *pixart_version(void);

/* Options of a verb as a JSON Schema with types, ranges, defaults and descriptions. `verb` is the name of a function that
 * takes options, without "pixart_": "encoder_open", "encode", "encoder_memory", "denoiser_open", "denoise",
 * "denoiser_memory", "sampler_preview", "decoder_open", "decode", "decoder_memory", "image_encoder_open",
 * "image_encode", "image_encoder_memory", "image_read", "image_write", "image_resize", "convert" and "memory_estimate"; NULL
 * for any other name. If `verb` is NULL, the names of all verbs as a JSON array. Static, never released. */
const char *pixart_options_schema(const char *verb);

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

/* A dense array in row-major order, immutable once made; may be shared by threads. Embeddings and latents are float32,
 * images uint8. */
typedef struct pixart_tensor pixart_tensor;

/* Element types, pinned. */
#define PIXART_FLOAT32 1 /* 4 bytes, IEEE 754, the host's byte order */
#define PIXART_UINT8   2 /* 1 byte, 0 to 255 */

#define PIXART_MAX_RANK 8 /* most dimensions a tensor may have */

/* Makes a tensor with a copy of `data`.
 *   type    PIXART_FLOAT32 or PIXART_UINT8
 *   rank    number of dimensions, 0 to PIXART_MAX_RANK
 *   shape   `rank` dimensions, each >= 0; may be NULL where rank is 0
 *   data    elements in row-major order; may be NULL where there are none
 *   size    bytes at `data`; must be the product of shape times the element's size
 *   out     the tensor
 */
pixart_status pixart_tensor_create(int32_t type, size_t rank, const int64_t *shape, const void *data, size_t size,
                                   pixart_tensor **out);

/* Element type: PIXART_FLOAT32 or PIXART_UINT8; 0 for NULL. */
int32_t pixart_tensor_type(const pixart_tensor *tensor);

/* Number of dimensions; 0 for NULL. */
size_t pixart_tensor_rank(const pixart_tensor *tensor);

/* Dimensions, pixart_tensor_rank() of them, owned by the tensor; NULL for NULL. */
const int64_t *pixart_tensor_shape(const pixart_tensor *tensor);

/* Elements in row-major order, aligned to 64 bytes, owned by the tensor and valid until it is released; NULL for NULL. */
const void *pixart_tensor_data(const pixart_tensor *tensor);

/* Bytes at pixart_tensor_data(); 0 for NULL. */
size_t pixart_tensor_size(const pixart_tensor *tensor);

/* Releases a tensor. */
void pixart_tensor_release(pixart_tensor *tensor);

/* Saves `count` tensors under `names` in one safetensors file, so that another process can load them. `path`
 * holds either the old content or all of the new.
 * Fails with PIXART_ERROR_ARGUMENT (two equal names, or the name "__metadata__"), PIXART_ERROR_FILE. */
pixart_status pixart_tensors_save(const char *path, size_t count, const char *const *names,
                                  const pixart_tensor *const *tensors);

/* Loads the tensors called `names` from a safetensors file, in that order, into the array `out` of `count` handles. F16
 * and BF16 tensors are converted to float32.
 * Fails with PIXART_ERROR_FILE, PIXART_ERROR_FORMAT, PIXART_ERROR_MODEL (a name is not in the file, or its type is not
 * float or U8); then all of `out` is NULL. */
pixart_status pixart_tensors_load(const char *path, size_t count, const char *const *names, pixart_tensor **out);

/* Lists the tensors of a safetensors file. Reads the header only.
 *   path    the file
 *   report  JSON, released with pixart_string_release(): {name: {"dtype": "F32", "shape": [..]}, ...}, with the types that
 *           the file names, of those too that pixart_tensors_load() cannot read
 * Fails with PIXART_ERROR_FILE, PIXART_ERROR_FORMAT. */
pixart_status pixart_tensors_list(const char *path, char **report);

/* ---- Strings ----------------------------------------------------------------------------------------------------- */

/* Releases text that a call returned through a `char **` out-parameter. */
void pixart_string_release(char *string);

/* ---- Progress ---------------------------------------------------------------------------------------------------- */

/* Called on the calling thread many times during a long call: whenever a part of the work is done, and about every 30
 * milliseconds while the library's threads work on a part.
 *   context   as given to the call
 *   step      steps done so far, 0 to steps. A step of an open or a conversion is a tensor, of a denoising run a denoising
 *             step, of a decoding or an encoding of images an image, of an encoding of text the prompt
 *   steps     steps of the whole call; 1 until they are known
 *   fraction  share of the whole call that is done, 0.0 to 1.0, never falling
 * Return 0 to go on; anything else cancels the call: it ends within about a tenth of a second with PIXART_CANCELLED, its
 * threads and memory are freed, and objects are as they were before it. The callback may call any function of the library
 * on other objects, and must not release objects of the call. */
typedef int32_t (*pixart_progress)(void *context, int64_t step, int64_t steps, double fraction);

/* ---- Encode: text to embedding ----------------------------------------------------------------------------------- */

/* A tokenizer and a T5 text encoder. */
typedef struct pixart_encoder pixart_encoder;

/* Opens the text encoder of a checkpoint.
 *   model    a folder in the diffusers layout with the parts `tokenizer` and `text_encoder`; other parts are not looked at
 *            The vocabulary is tokenizer/spiece.model, or tokenizer/tokenizer.json if that is missing: the ids are equal
 *   options  see pixart_options_schema("encoder_open"): threads, weights, compute, residency, instructions, variant
 * Weights that are used as they are stored are mapped from their files, not read. Where the options ask for another
 * precision, each layer is read and converted in turn, so that the whole model is never held in the stored one: a
 * matter of seconds to a minute for T5-XXL, which pixart_convert() saves. Fails with PIXART_ERROR_OPTION where weights,
 * compute and the stored precision do not go together, or the processor lacks the instructions; and with
 * PIXART_ERROR_FILE, PIXART_ERROR_FORMAT, PIXART_ERROR_MODEL. */
pixart_status pixart_encoder_open(const char *model, const char *options, pixart_progress progress, void *context,
                                  pixart_encoder **out);

/* Encodes a prompt into an embedding.
 *   prompt   any text; "" is the unconditional prompt that guidance starts from
 *   options  see pixart_options_schema("encode"): clean_caption, max_sequence_length
 *   out      float32 [S, E]: one row for each real token, the closing </s> included, without padding
 * Text that does not fit max_sequence_length is dropped, as pixart_encoder_tokenize() tells. Cost: one pass through T5
 * over S tokens; for T5-XXL it is dominated by reading the weights once. Fails with PIXART_ERROR_ARGUMENT where cleaning
 * cannot parse the prompt as HTML ("<![" before an unknown word), as diffusers does, and where a long prompt nests
 * character references too deeply to clean it in linear time. */
pixart_status pixart_encode(const pixart_encoder *encoder, const char *prompt, const char *options,
                            pixart_progress progress, void *context, pixart_tensor **out);

/* Tells what pixart_encode() would feed the network, without running it.
 *   report   JSON, released with pixart_string_release():
 *            {"text": the text after cleaning, "ids": [token ids, the closing 1 included], "pieces": [their text],
 *             "offsets": [[first, end] of each, the bytes of "text" that it comes from; [n, n] at the end for the closing
 *             one], "max_sequence_length": n, "truncated_tokens": how many were dropped, "truncated_text": what they said}
 * Fails as pixart_encode() does. */
pixart_status pixart_encoder_tokenize(const pixart_encoder *encoder, const char *prompt, const char *options,
                                      char **report);

/* Tells what an encoder takes of memory, so that a host can decide before it encodes.
 *   options  see pixart_options_schema("encoder_memory"): tokens, the length of the prompt
 *   report   JSON, released with pixart_string_release(), all in bytes:
 *            {"weights_resident": weights in memory of the process's own, because they were converted or are small,
 *             "weights_mapped": weights used from mapped files: they count towards the process's memory once they are
 *                               touched, and the system takes them back when memory is short,
 *             "activations": what a call allocates while it lasts,
 *             "peak": the sum of these, the most that the process may grow by,
 *             "activations_held": what the handle's threads hold now, to be used again: 0 before the first call}
 * Activations are what the buffers of a call add up to, with an allowance for each thread; the operating system and the
 * allocator round. Cost: none to speak of. */
pixart_status pixart_encoder_memory(const pixart_encoder *encoder, const char *options, char **report);

/* Tells where the time of an encoder's calls went.
 *   report   JSON, released with pixart_string_release(), added up since the encoder was opened:
 *            {kind: {"seconds": s, "operations": n}, ...}, with every kind, 0 where there was nothing of it:
 *            "product_float32", "product_bfloat16", "product_int8": linear layers, by what they are computed in (in
 *                               float32 arithmetic on rounded numbers where the instructions lack another),
 *            "attention": scores, softmax and sums; "convolution"; "rows": norms, and rounding for the next product,
 *            "weights": converting weights; "other": all else that the threads share
 * Seconds are elapsed time, not added up over threads, and include waiting for other calls on the handle; what only the
 * calling thread does, between such pieces of work, is not in them. Operations are the additions and multiplications of
 * products, attention and convolutions, as many as their algorithms make (a convolution's fewer than by its
 * definition); 0 for the other kinds. The difference of two reports is that of the calls between them. Cost: none to
 * speak of. */
pixart_status pixart_encoder_profile(const pixart_encoder *encoder, char **report);

/* Tells what an encoder was opened from, and how.
 *   report   JSON, released with pixart_string_release():
 *            {"files": [paths of the configuration, the weights and what else was opened],
 *             "precision": {"stored": [element types of the weights that are used, as in safetensors],
 *                           "weights": as the option, "auto" for as they are stored, "compute": as the option},
 *             "ignored_tensors": [{"name": a tensor that the files hold and that is not used, "reason": why that does
 *                                  no harm}, ...],
 *             "architecture": {facts from the configuration, by its own keys}}
 * Keys are added in later versions. Cost: none to speak of. */
pixart_status pixart_encoder_report(const pixart_encoder *encoder, char **report);

/* Releases an encoder. */
void pixart_encoder_release(pixart_encoder *encoder);

/* ---- Denoise: embedding to latents ------------------------------------------------------------------------------- */

/* A PixArt diffusion transformer with the scheduler settings of its checkpoint. */
typedef struct pixart_denoiser pixart_denoiser;

/* Opens the transformer of a checkpoint.
 *   model    a folder in the diffusers layout with the parts `transformer` and `scheduler`. Where there is no scheduler,
 *            the settings that all published checkpoints share are taken. Of other parts, only vae/config.json is looked
 *            at, where it is there: for the colours of previews
 *   options  see pixart_options_schema("denoiser_open"): threads, weights, compute, instructions, variant
 * Fails as pixart_encoder_open() does. */
pixart_status pixart_denoiser_open(const char *model, const char *options, pixart_progress progress, void *context,
                                   pixart_denoiser **out);

/* Denoises noise drawn from a seed under a prompt: a whole run. Runs of many prompts, and those that start from a
 * picture, are those of a pixart_sampler.
 *   prompt    float32 [S, E] from pixart_encode()
 *   negative  float32 [S', E], what to steer away from: usually the encoding of ""; required where guidance_scale > 1,
 *             else not used and may be NULL
 *   options   see pixart_options_schema("denoise"): num_inference_steps, guidance_scale, height, width, seed, ...
 *   progress  may be NULL; see pixart_progress. Cancelling takes effect within one transformer block
 *   out       float32 [B, C, Y, X], still scaled as the transformer sees them: pixart_decode() takes them as they are
 * Fails with PIXART_ERROR_ARGUMENT where an embedding has the wrong shape or `negative` is lacking, and with
 * PIXART_CANCELLED. Cost: steps x blocks x B x (1, and 1 more with guidance, and 1 more with perturbed-attention guidance). */
pixart_status pixart_denoise(const pixart_denoiser *denoiser, const pixart_tensor *prompt,
                             const pixart_tensor *negative, const char *options, pixart_progress progress,
                             void *context, pixart_tensor **out);

/* Tells what a denoiser takes of memory.
 *   options  see pixart_options_schema("denoiser_memory"): those of pixart_denoise() that decide the size of a run, and
 *            prompts, how many these are, and tokens, their length
 *   report   as that of pixart_encoder_memory(); each run or sampler allocates "activations" of its own */
pixart_status pixart_denoiser_memory(const pixart_denoiser *denoiser, const char *options, char **report);

/* Tells where the time of a denoiser's runs and samplers went, as pixart_encoder_profile() does. */
pixart_status pixart_denoiser_profile(const pixart_denoiser *denoiser, char **report);

/* Tells what a denoiser was opened from, and how, as pixart_encoder_report() does. */
pixart_status pixart_denoiser_report(const pixart_denoiser *denoiser, char **report);

/* Releases a denoiser. Samplers made from it stay usable. */
void pixart_denoiser_release(pixart_denoiser *denoiser);

/* One denoising run that the host advances step by step. Use by one thread at a time. */
typedef struct pixart_sampler pixart_sampler;

/* Prepares a run; the arguments are those of pixart_denoise(), and so are the failures, and the result once all
 * steps are done. The option `strength` makes it a run from a picture, which pixart_sampler_set_image_latents() gives. */
pixart_status pixart_sampler_create(const pixart_denoiser *denoiser, const pixart_tensor *prompt,
                                    const pixart_tensor *negative, const char *options, pixart_sampler **out);

/* Prepares a run of many prompts at once, with num_images_per_prompt images for each: B = count * num_images_per_prompt,
 * the images of the first prompt first. An image with a seed of its own is what a run of its own makes of it, up to
 * rounding.
 *   count      number of prompts, 1 to 256; B is at most 1024
 *   prompts    `count` embeddings, float32 [S, E] from pixart_encode(), of any lengths
 *   negatives  `count` embeddings likewise; required where guidance_scale > 1, else not used and may be NULL
 *   options    those of pixart_denoise(); `seed` is one for the whole batch, or B of them
 *   out        the run, before its first step
 * An embedding may stand at several places, and is then projected once. Fails as pixart_sampler_create() does. */
pixart_status pixart_sampler_create_batch(const pixart_denoiser *denoiser, size_t count,
                                          const pixart_tensor *const *prompts, const pixart_tensor *const *negatives,
                                          const char *options, pixart_sampler **out);

/* Starts the run from these latents instead of noise drawn from the seed.
 *   latents  float32 [B, C, Y, X], standard normal noise as the caller drew it; scaled as the scheduler wants it. In a run
 *            from a picture, it is what the picture is mixed with
 * Fails with PIXART_ERROR_STATE after the first step. */
pixart_status pixart_sampler_set_noise(pixart_sampler *sampler, const pixart_tensor *latents);

/* Starts the run from a picture, with as much noise over it as the option `strength` says: image to image.
 *   latents  float32 [1 or B, C, Y, X], the picture as pixart_image_encode() gives it, of the run's size
 * Of num_inference_steps, the run has the last int(num_inference_steps * strength). The noise is drawn from the seed as
 * in a run without a picture. Matches diffusers' StableDiffusionImg2ImgPipeline.
 * Fails with PIXART_ERROR_STATE after the first step, and where `strength` is null. */
pixart_status pixart_sampler_set_image_latents(pixart_sampler *sampler, const pixart_tensor *latents);

/* Has only a part of the picture of pixart_sampler_set_image_latents() painted anew: inpainting. The order of the two calls is free.
 *   mask  uint8 [H, W] or [1 or B, H, W], also with a last dimension of 1, in pixels of the run's size, 8 for each latent: at
 *         least 128 where the picture is painted anew. A latent goes by the first of its 8 x 8 pixels
 * After each step, latents outside the mask are the picture's again, with the noise that belongs there. With a `strength`
 * of 1 the run starts from noise alone. Matches diffusers' StableDiffusionInpaintPipeline with a network of 4 channels. The
 * decoded picture differs a little outside the mask, too: pixart_image_blend() puts the original's pixels back.
 * Fails with PIXART_ERROR_STATE after the first step, and where `strength` is null. */
pixart_status pixart_sampler_set_mask(pixart_sampler *sampler, const pixart_tensor *mask);

/* Number of steps of the run; 0 for NULL. */
int64_t pixart_sampler_steps(const pixart_sampler *sampler);

/* Number of steps done so far; 0 for NULL. */
int64_t pixart_sampler_step_index(const pixart_sampler *sampler);

/* The diffusion timestep (0 to 999 for the published models) that the transformer sees in step `index`.
 * Fails with PIXART_ERROR_ARGUMENT where `index` is not in 0 ..< steps. */
pixart_status pixart_sampler_timestep(const pixart_sampler *sampler, int64_t index, double *out);

/* Runs one step. After PIXART_CANCELLED the step can be run again from its start; after the last step, and in a run with
 * a `strength` that was given no image, the call fails with PIXART_ERROR_STATE. */
pixart_status pixart_sampler_step(pixart_sampler *sampler, pixart_progress progress, void *context);

/* A copy of the latents as they are now, float32 [B, C, Y, X]: what the run starts from before the first step (noise, or a
 * picture under noise), the result after the last. */
pixart_status pixart_sampler_latents(const pixart_sampler *sampler, pixart_tensor **out);

/* The latents without noise that the last step estimated, float32 [B, C, Y, X]: pixart_decode() takes them as they are. With a
 * mask, those outside it are the picture's.
 * Fails with PIXART_ERROR_STATE before the first step. */
pixart_status pixart_sampler_predicted_original(const pixart_sampler *sampler, pixart_tensor **out);

/* A small picture of the estimate without the cost of a decoder: each latent becomes a pixel, by a linear map.
 *   options  see pixart_options_schema("sampler_preview"): rgb_factors, rgb_bias
 *   out      uint8 [B, Y, X, 3], RGB, rows from the top
 * The map is that of the checkpoint's VAE: of vae/config.json, which may hold one under "latent_rgb_factors" [C][3] and
 * "latent_rgb_bias" [3], or the known one of Stable Diffusion's or SDXL's VAE.
 * Fails with PIXART_ERROR_STATE before the first step, with PIXART_ERROR_OPTION where there is no map for C channels, and as
 * reading vae/config.json did. */
pixart_status pixart_sampler_preview(const pixart_sampler *sampler, const char *options, pixart_tensor **out);

/* Releases a sampler. */
void pixart_sampler_release(pixart_sampler *sampler);

/* ---- Decode: latents to images ----------------------------------------------------------------------------------- */

/* The decoder of a VAE, or of a tiny autoencoder. */
typedef struct pixart_decoder pixart_decoder;

/* Opens the decoder of a checkpoint.
 *   model    a folder in the diffusers layout with the part `vae`, of diffusers' class AutoencoderKL or AutoencoderTiny;
 *            other parts are not looked at
 *   options  see pixart_options_schema("decoder_open"): threads, weights, compute, instructions, variant
 * Fails as pixart_encoder_open() does. */
pixart_status pixart_decoder_open(const char *model, const char *options, pixart_progress progress, void *context,
                                  pixart_decoder **out);

/* Decodes latents into images.
 *   latents  float32 [B, C, Y, X] from pixart_denoise()
 *   options  see pixart_options_schema("decode"): height, width, output_type
 *   out      uint8 [B, 8Y, 8X, 3], RGB, rows from the top; where the options ask for another height and width, resized and
 *            centre-cropped to them. With "output_type": "float32" the same as float32 in 0.0 ... 1.0, before rounding
 * Fails with PIXART_ERROR_ARGUMENT where the latents have the wrong shape. Cost: for each image one pass through the VAE,
 * which grows with its pixels. */
pixart_status pixart_decode(const pixart_decoder *decoder, const pixart_tensor *latents, const char *options,
                            pixart_progress progress, void *context, pixart_tensor **out);

/* Tells what a decoder takes of memory.
 *   options  see pixart_options_schema("decoder_memory"): height and width of the picture in pixels, before any resizing,
 *            512 where they are not given; num_images_per_prompt
 *   report   as that of pixart_encoder_memory() */
pixart_status pixart_decoder_memory(const pixart_decoder *decoder, const char *options, char **report);

/* Tells where the time of a decoder's calls went, as pixart_encoder_profile() does. */
pixart_status pixart_decoder_profile(const pixart_decoder *decoder, char **report);

/* Tells what a decoder was opened from, and how, as pixart_encoder_report() does. */
pixart_status pixart_decoder_report(const pixart_decoder *decoder, char **report);

/* Releases a decoder. */
void pixart_decoder_release(pixart_decoder *decoder);

/* ---- Encode images: images to latents ---------------------------------------------------------------------------- */

/* The encoder of a VAE, or of a tiny autoencoder. */
typedef struct pixart_image_encoder pixart_image_encoder;

/* Opens the image encoder of a checkpoint.
 *   model    a folder in the diffusers layout with the part `vae`, of diffusers' class AutoencoderKL or AutoencoderTiny;
 *            other parts are not looked at
 *   options  see pixart_options_schema("image_encoder_open"): threads, weights, compute, instructions, variant
 * Fails as pixart_encoder_open() does. */
pixart_status pixart_image_encoder_open(const char *model, const char *options, pixart_progress progress, void *context,
                                        pixart_image_encoder **out);

/* Encodes images into latents.
 *   images   uint8 [B, H, W, 3] or [H, W, 3], RGB, rows from the top; H and W are multiples of 8: pixart_image_resize()
 *   options  see pixart_options_schema("image_encode"): sample_mode, seed
 *   out      float32 [B, C, H / 8, W / 8], scaled as the denoiser sees latents: pixart_decode() takes them as they are. A
 *            VAE encodes an image into a distribution of latents, from which they are drawn, or of which they are the mean
 * Fails with PIXART_ERROR_ARGUMENT where the images have the wrong shape, and with PIXART_ERROR_OPTION where `seed` has
 * other than B elements. Cost: for each image one pass through the network, which grows with its pixels. */
pixart_status pixart_image_encode(const pixart_image_encoder *encoder, const pixart_tensor *images,
                                  const char *options, pixart_progress progress, void *context,
                                  pixart_tensor **out);

/* Tells what an image encoder takes of memory.
 *   options  see pixart_options_schema("image_encoder_memory"): height and width of the images in pixels, 512 where they
 *            are not given; num_images_per_prompt, how many there are
 *   report   as that of pixart_encoder_memory() */
pixart_status pixart_image_encoder_memory(const pixart_image_encoder *encoder, const char *options, char **report);

/* Tells where the time of an image encoder's calls went, as pixart_encoder_profile() does. */
pixart_status pixart_image_encoder_profile(const pixart_image_encoder *encoder, char **report);

/* Tells what an image encoder was opened from, and how, as pixart_encoder_report() does. */
pixart_status pixart_image_encoder_report(const pixart_image_encoder *encoder, char **report);

/* Releases an image encoder. */
void pixart_image_encoder_release(pixart_image_encoder *encoder);

/* ---- Images ------------------------------------------------------------------------------------------------------ */

/* Reads a PNG file, of any colour type and bit depth, interlaced or not.
 *   options  see pixart_options_schema("image_read"): channels, 1 (grey), 3 (RGB, the default) or 4 (RGBA)
 *   out      uint8 [H, W, channels], rows from the top. Alpha that is not asked for is dropped, and 255 where it is asked
 *            for and the file has none; grey becomes three equal colours, and colours become grey as
 *            (19595 R + 38470 G + 7471 B + 32768) >> 16. Palettes are looked up, 16 bits are rounded to 8, and fewer
 *            than 8 widened. The orientation in an eXIf chunk is applied, as diffusers' load_image does: at 5 to 8, H
 *            is the file's width. Damaged Exif, gamma, colour profiles and text make no difference
 * Fails with PIXART_ERROR_FILE, and with PIXART_ERROR_FORMAT where the file is no PNG, truncated, damaged (checksums are
 * checked), or larger than 65536 pixels along a side or 2^28 in all. Cost: reading the file; memory for the pixels, for
 * as many again if the image is turned, and for three times as many if an image of colours is read as grey. */
pixart_status pixart_image_read(const char *path, const char *options, pixart_tensor **out);

/* Reads a PNG image from memory, as pixart_image_read() reads a file.
 *   data     the bytes of a PNG file
 *   size     number of bytes
 *   options  see pixart_options_schema("image_read")
 *   out      uint8 [H, W, channels]
 * Fails with PIXART_ERROR_FORMAT as pixart_image_read() does. */
pixart_status pixart_image_read_memory(const void *data, size_t size, const char *options, pixart_tensor **out);

/* Resizes images by Lanczos' filter, as Pillow's and diffusers' image processor do.
 *   images   uint8 [B, H, W, C] or [H, W, C], C 1, 3 or 4; channels are resized apart
 *   options  see pixart_options_schema("image_resize"): height, width; resize_mode, "default" (stretch) or "crop" (cover,
 *            and cut out the middle)
 *   out      uint8 [B, height, width, C] or [height, width, C]
 * Fails with PIXART_ERROR_ARGUMENT where the images have the wrong shape. Cost: on the calling thread, a fraction of a
 * second for a photograph. */
pixart_status pixart_image_resize(const pixart_tensor *images, const char *options, pixart_tensor **out);

/* Puts images into others by a mask, pixel by pixel: where the mask is 128 or more the image, elsewhere the original.
 *   images     uint8 [B, H, W, C] or [H, W, C], C 1, 3 or 4
 *   originals  images of the same size and channels: B of them, or one for all
 *   mask       uint8 [H, W], [B, H, W] or [1, H, W], also with a last dimension of 1
 *   out        uint8, the shape of `images`
 * Fails with PIXART_ERROR_ARGUMENT where they do not fit each other. */
pixart_status pixart_image_blend(const pixart_tensor *images, const pixart_tensor *originals, const pixart_tensor *mask,
                                 pixart_tensor **out);

/* Writes one image as a PNG file (8 bits, RGB).
 *   images   uint8 [B, H, W, 3] or [H, W, 3]
 *   index    which image of the batch, 0 ..< B
 *   options  see pixart_options_schema("image_write"): "text" is an object of keyword: text that becomes the file's text
 *            chunks, so that a picture can carry its prompt and settings
 * `path` holds either the old content or all of the new. Fails with PIXART_ERROR_FILE. */
pixart_status pixart_image_write(const pixart_tensor *images, size_t index, const char *path, const char *options);

/* Makes the bytes of the PNG file that pixart_image_write() would write.
 *   images   uint8 [B, H, W, 3] or [H, W, 3]
 *   index    which image of the batch, 0 ..< B
 *   options  see pixart_options_schema("image_write")
 *   out      uint8 [N], the bytes of the file */
pixart_status pixart_image_write_memory(const pixart_tensor *images, size_t index, const char *options,
                                        pixart_tensor **out);

/* ---- Checkpoints ------------------------------------------------------------------------------------------------- */

/* Writes a checkpoint in another precision, as an ordinary folder in the diffusers layout, so that the next open reads
 * only what it needs. An open of `out` with the defaults computes the same bits as an open of `model` with the same
 * weights.
 *   model     a folder in the diffusers layout
 *   out       another folder, made where it is missing (but not what it lies in). Files of the same names in it are
 *             replaced once all new ones are whole; others stay
 *   options   see pixart_options_schema("convert"): weights ("int8" by default), parts, variant (of `model`), threads
 *   progress  may be NULL; see pixart_progress: a step is a tensor. Cancelling takes effect within 16 MiB of reading
 * Written are the parts' weights in one safetensors file each, without variant in its name, under the names that they
 * have; config.json; the known files of the folders `tokenizer` with the text encoder and `scheduler` with the
 * transformer; and model_index.json. Files that are copied lie in `model` or, if it is in the Hub's cache, among the
 * blobs of its repository: a link that leads elsewhere is PIXART_ERROR_FILE. int8 is stored as I8 [out, in] beside
 * F32 <layer>.weight_scale [out]. int4 is stored as U8 [ceil(out / 16), ceil(in / 8), 16, 4] beside F32
 * <layer>.weight_scale [ceil(out / 4), ceil(in / 16)]: of eight inputs, the first four lie in the low halves of four bytes, 8 standing for 0, and four outputs and sixteen inputs share a scale.
 * Outputs and inputs that the last blocks lack are 0. A weight is its value times its scale, and config.json says so under
 * "quantization_config". Layers that would suffer are stored higher, and the VAE is not quantized. What is not rounded stays
 * as it is stored, or becomes float32 if weights is "float32". Tensors that no stage reads are left out. diffusers reads
 * what is stored as float32 and bfloat16.
 * Nothing remains of a call that fails or is cancelled. Fails with PIXART_ERROR_ARGUMENT (`out` is the folder `model`),
 * PIXART_ERROR_FILE, PIXART_ERROR_FORMAT, PIXART_ERROR_MODEL (tensors do not fit the architecture, or are stored as int8
 * or int4 already, and in another precision than is asked for: take the original), PIXART_CANCELLED. Cost: reading and
 * writing the files; memory for a piece of one tensor. */
pixart_status pixart_convert(const char *model, const char *out, const char *options, pixart_progress progress,
                             void *context);

/* Tells what a stage of a checkpoint would take of memory, so that a host can decide before it opens anything.
 *   model    a folder in the diffusers layout with the stage's part
 *   options  see pixart_options_schema("memory_estimate"): stage ("encode", "denoise", "decode" or "image_encode"), and what that
 *            stage's open and verb would be given: weights, compute, residency, threads, instructions, variant; height,
 *            width, prompts, num_images_per_prompt, guidance_scale, pag_scale, strength, use_resolution_binning, tokens
 *   report   as that of pixart_encoder_memory(), without "activations_held"
 * Reads configurations and headers, no weights. Fails as opening the part does. */
pixart_status pixart_memory_estimate(const char *model, const char *options, char **report);

#ifdef __cplusplus
}
#endif

#endif /* PIXART_H */

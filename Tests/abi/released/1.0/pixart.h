/**
 * @file pixart.h
 * libpixart: PixArt-alpha and PixArt-Sigma text-to-image on CPUs, for use inside other programs.
 *
 *     text -- encode --> embedding [S, E] -- denoise --> latents [B, C, Y, X] -- decode --> images
 *             T5 encoder             PixArt transformer x steps         VAE decoder  [B, 8Y, 8X, 3]
 *
 * A host opens three objects, each with its own lifetime, and calls three verbs. To keep memory
 * low, release each stage before opening the next. A stage loads only what it needs. For
 * image-to-image, also open a pixart_image_encoder, which turns images into latents.
 *
 *     pixart_encoder *encoder;  pixart_tensor *prompt, *negative;
 *     pixart_encoder_open("PixArt-XL-2-512x512", NULL, NULL, NULL, &encoder);
 *     pixart_encode(encoder, "a small cactus with a happy face", NULL, NULL, NULL, &prompt);
 *     pixart_encode(encoder, "", NULL, NULL, NULL, &negative);
 *     pixart_encoder_release(encoder);
 *
 *     pixart_denoiser *denoiser;  pixart_tensor *latents;
 *     pixart_denoiser_open("PixArt-XL-2-512x512", NULL, NULL, NULL, &denoiser);
 *     pixart_denoise(denoiser, prompt, negative, "{\"seed\": 7}", NULL, NULL, &latents);
 *     pixart_denoiser_release(denoiser);
 *
 *     pixart_decoder *decoder;  pixart_tensor *images;
 *     pixart_decoder_open("PixArt-XL-2-512x512", NULL, NULL, NULL, &decoder);
 *     pixart_decode(decoder, latents, NULL, NULL, NULL, &images);
 *     pixart_image_write(images, 0, "cactus.png", NULL);
 *
 * The header reads from simple to advanced: status, text to image, step by step, from images,
 * tensors and files, resources and checkpoints.
 *
 * Rules that hold everywhere and are not repeated below:
 *
 * - Status: every function that can fail returns a pixart_status. On failure its out-parameters
 *   are set to NULL or zero, and pixart_error_message() describes the failure.
 * - Ownership: the caller owns every object returned through an out-parameter, and frees it with
 *   the matching release function. Inputs are borrowed for the call. Objects keep alive what they
 *   need of each other, so any order of release is safe. release(NULL) does nothing.
 * - Threads: an opened object that a function takes as `const` is thread-safe. All other objects
 *   must be used by one thread at a time. There is no global state; models are independent.
 * - Text: UTF-8, terminated by NUL. Malformed UTF-8 is an argument error. Names are compared byte
 *   by byte.
 * - Options: a JSON object, or NULL or "" for the defaults. Keys are named as in diffusers. An
 *   unknown key, a wrong type or a value out of range is PIXART_ERROR_OPTION, and the message
 *   names the key and what is allowed. pixart_options_schema() returns the options of each verb as
 *   JSON Schema; docs/options.md is made from it.
 * - Progress: long calls take a callback, which may be NULL; see pixart_progress.
 * - Numbers: embeddings and latents that the caller passes must be finite. A NaN or an infinity is
 *   PIXART_ERROR_ARGUMENT, and the message names the argument and the index of the first such
 *   element. Weights are not checked: if they lead to numbers that are not finite, encode and the
 *   steps of a run return them, an image shows NaN as 0, and the next stage refuses them.
 * - Failures: any call may fail with PIXART_ERROR_ARGUMENT (a required pointer is NULL, text is not
 *   UTF-8), with PIXART_ERROR_OPTION if it takes options, with PIXART_CANCELLED if it takes a
 *   callback, and with PIXART_ERROR_MEMORY. Functions list further failures.
 * - Files: only regular files are read and replaced. Symbolic links are followed. A file that is
 *   replaced keeps its permissions, and holds the old content until all of the new is on the disk.
 *   A full disk and RLIMIT_FSIZE are PIXART_ERROR_FILE; SIGXFSZ is not raised. A checkpoint's JSON
 *   is read as Python reads it: the last of several equal names counts, and 1.0 is an integer.
 *   Weights are memory-mapped while a handle or its samplers live. Replacing those files is safe;
 *   truncating them in place ends the process, as with any mapped file.
 * - Processes: handles have threads, which do not survive fork(). In the child, each call on an
 *   inherited handle is PIXART_ERROR_STATE (or returns 0 if it returns no status), and releasing
 *   the handle does nothing. Tensors stay usable, and so are handles that the child opens. The
 *   library stays loaded after dlclose().
 * - Precision: weights are used as they are stored and computed with in float32 by default. The
 *   options of an open change that; pixart_convert() stores weights in another precision.
 *   bfloat16 and int8 give slightly different numbers on different instruction sets.
 * - Silence: the library prints nothing, ends no process, and changes no setting of the host. It
 *   computes in the default floating-point environment. Callbacks run in the host's, which is
 *   restored, with its flags, when a call returns.
 *
 * Letters in shapes: B images of a batch, S text tokens, E caption width, C latent channels,
 * Y X latent rows and columns. One latent stands for 8 x 8 pixels in all published checkpoints.
 */
#ifndef PIXART_H
#define PIXART_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version and status ------------------------------------------------------------------- */

/** Version of this header. A host compiled against the header of 1.0 runs on every 1.x. */
#define PIXART_VERSION_MAJOR 1
#define PIXART_VERSION_MINOR 0
#define PIXART_VERSION_PATCH 0

/** The version as one number that can be compared: 10000 * major + 100 * minor + patch. */
#define PIXART_VERSION_NUMBER                                                                      \
    (PIXART_VERSION_MAJOR * 10000 + PIXART_VERSION_MINOR * 100 + PIXART_VERSION_PATCH)

/** Marks the functions that the library exports. */
#ifndef PIXART_API
#if defined(__GNUC__)
#define PIXART_API __attribute__((visibility("default")))
#else
#define PIXART_API
#endif
#endif

/**
 * Outcome of a call: PIXART_OK or one of the errors below. Values are pinned and never reused.
 * Hosts should treat an unknown value of a group (the hundreds) like the group.
 */
typedef int32_t pixart_status;

/** Success. */
#define PIXART_OK 0

/**
 * The call: a required pointer is NULL, a tensor has the wrong shape or type, text is not UTF-8.
 */
#define PIXART_ERROR_ARGUMENT 101
/**
 * The call: options are not a JSON object, or a key is unknown, of the wrong type or out of range.
 */
#define PIXART_ERROR_OPTION 102
/** The call: the object cannot do this now. For example, a finished sampler has no next step. */
#define PIXART_ERROR_STATE 103

/** Files: a file is missing, or cannot be read or written. */
#define PIXART_ERROR_FILE 201
/** Files: a file is not what its name says: truncated, malformed, inconsistent. */
#define PIXART_ERROR_FORMAT 202
/**
 * Files: a well-formed checkpoint that does not fit. A tensor or key is missing, unknown, or of
 * the wrong shape or type, or the architecture is not supported.
 */
#define PIXART_ERROR_MODEL 203

/** Resources: out of memory. */
#define PIXART_ERROR_MEMORY 301

/** The host: the progress callback cancelled the call. */
#define PIXART_CANCELLED 401

/** The library: a defect. Please report it with the message. */
#define PIXART_ERROR_INTERNAL 901

/**
 * Returns the version of the library.
 *
 * @return "major.minor.patch"; static, never NULL
 */
PIXART_API const char *pixart_version(void);

/**
 * Returns the name of a status.
 *
 * @param status any value
 * @return a name such as "PIXART_ERROR_OPTION", or "unknown status"; static, never NULL
 */
PIXART_API const char *pixart_status_name(pixart_status status);

/**
 * Describes the last failing call of the calling thread: the file, tensor, key or argument, what
 * was found and what was expected.
 *
 * The message belongs to the thread that made the call. A language that moves between threads,
 * such as one with green threads, must make the call and read the message without a switch in
 * between: wrap both in one function, or pin the task to its thread.
 *
 * @return one line of printable text; "" before the first failure; never NULL; valid until the
 *      next failing call of this thread. Control characters and invisible characters of names are
 *      escaped as in JSON (\\u001b). The middle of a text of more than 5,000 characters is left
 *      out.
 */
PIXART_API const char *pixart_error_message(void);

/* ---- Text to image ------------------------------------------------------------------------ */

/**
 * A dense array in row-major order, immutable. Any number of threads may read it. Embeddings and
 * latents are float32, images uint8. See "Tensors and files".
 */
typedef struct pixart_tensor pixart_tensor;

/**
 * Called on the calling thread many times during a long call: whenever a part of the work is done,
 * and about every 30 milliseconds while the library's threads work.
 *
 * A step of an open or a conversion is a tensor, of a denoising run a denoising step, of decoding
 * or encoding images an image, of encoding text the prompt. The callback may call any function of
 * the library on other objects. It must not release objects of the call.
 *
 * @param context as given to the call
 * @param step steps done so far, 0 to `steps`
 * @param steps steps of the whole call; 1 until they are known
 * @param fraction share of the whole call that is done, 0.0 to 1.0, never falling
 * @return 0 to go on. Any other value cancels the call: it returns PIXART_CANCELLED within about a
 *      fifth of a second, its threads and memory are freed, and objects are as they were before
 *      it.
 */
typedef int32_t (*pixart_progress)(void *context, int64_t step, int64_t steps, double fraction);

/** A tokenizer and a T5 text encoder. */
typedef struct pixart_encoder pixart_encoder;

/** A PixArt transformer and a scheduler. */
typedef struct pixart_denoiser pixart_denoiser;

/** The decoder of a VAE, or of a tiny autoencoder. */
typedef struct pixart_decoder pixart_decoder;

/**
 * Opens the text encoder of a checkpoint.
 *
 * Weights that are used as they are stored are memory-mapped. If the options ask for another
 * precision, each layer is read and converted in turn, so the whole model is never held in the
 * stored one. That takes seconds to a minute for T5-XXL; pixart_convert() saves it.
 *
 * `model` names what is on disk, here and in every function that opens a part:
 *
 * - a folder in the diffusers layout, with the part in a subfolder;
 * - the folder of the part itself, with its config.json;
 * - a file of weights: safetensors, GGUF, or a PyTorch checkpoint, which is read without executing
 *   anything. Names of other programs are understood, and what config.json would say is derived
 *   from the tensors; pixart_encoder_report() lists what was assumed, and the option `config`
 *   replaces it;
 * - the id of a repository in the local cache of the Hub, "ORG/NAME" or "ORG/NAME@REVISION".
 *   Nothing is downloaded.
 *
 * The first bytes of a file decide what it is, never its extension. docs/models.md lists the forms.
 *
 * @param model a model on disk that has the text encoder. The tokenizer is that of the option
 *      `tokenizer`, or the one inside a GGUF file, or spiece.model or tokenizer.json beside it
 * @param options see pixart_options_schema("encoder_open"): threads, weights, compute, residency,
 *      instructions, variant, unexpected_tensors, config, state_dict, tokenizer, adapters,
 *      fuse_adapters
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out the encoder
 * @return PIXART_ERROR_OPTION also if weights, compute and the stored precision do not go together
 *      or the processor lacks the instructions; PIXART_ERROR_FILE, PIXART_ERROR_FORMAT,
 *      PIXART_ERROR_MODEL
 */
PIXART_API pixart_status pixart_encoder_open(const char *model, const char *options,
                                             pixart_progress progress, void *context,
                                             pixart_encoder **out);

/**
 * Encodes a prompt into an embedding. Cost: one pass of T5 over S tokens; for T5-XXL, reading the
 * weights dominates.
 *
 * @param encoder the encoder; thread-safe
 * @param prompt any text; "" is the unconditional prompt of classifier-free guidance. Tokens
 *      beyond max_sequence_length are dropped; pixart_encoder_tokenize() reports them
 * @param options see pixart_options_schema("encode"): clean_caption, max_sequence_length
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out float32 [S, E]: one row for each real token, the closing token included, without
 *      padding
 * @return PIXART_ERROR_ARGUMENT also if caption cleaning cannot parse the prompt as HTML ("<!["
 *      before an unknown word), as diffusers does, and if a long prompt nests character references
 *      too deeply
 */
PIXART_API pixart_status pixart_encode(const pixart_encoder *encoder, const char *prompt,
                                       const char *options, pixart_progress progress, void *context,
                                       pixart_tensor **out);

/**
 * Releases an encoder.
 *
 * @param encoder the encoder, or NULL
 */
PIXART_API void pixart_encoder_release(pixart_encoder *encoder);

/**
 * Opens the transformer of a checkpoint.
 *
 * @param model a model on disk that has the transformer, as in pixart_encoder_open(). If there is
 *      no scheduler beside it, the settings that all published checkpoints share are used.
 *      vae/config.json is read for the colours of previews, if it is there
 * @param options see pixart_options_schema("denoiser_open"): threads, weights, compute,
 *      instructions, variant, unexpected_tensors, config, state_dict, controlnet, adapters,
 *      fuse_adapters
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out the denoiser
 * @return the failures of pixart_encoder_open()
 */
PIXART_API pixart_status pixart_denoiser_open(const char *model, const char *options,
                                              pixart_progress progress, void *context,
                                              pixart_denoiser **out);

/**
 * Runs the complete denoising loop from seeded noise. For several prompts or for image-to-image
 * use a pixart_sampler. Cost: steps x blocks x B, twice with classifier-free guidance, and once
 * more with perturbed-attention guidance. With the option "cache", some steps reuse results of
 * earlier ones and cost less.
 *
 * @param denoiser the denoiser; thread-safe
 * @param prompt float32 [S, E] from pixart_encode()
 * @param negative float32 [S', E], usually the embedding of ""; required if guidance_scale > 1,
 *      else not used and may be NULL
 * @param options see pixart_options_schema("denoise"): num_inference_steps, guidance_scale,
 *      height, width, seed, scheduler, ...
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out float32 [B, C, Y, X], scaled as the transformer sees latents; pixart_decode() takes
 *      them
 * @return PIXART_ERROR_ARGUMENT also if an embedding has the wrong shape or `negative` is missing;
 *      PIXART_ERROR_STATE if the denoiser has a ControlNet, whose control image only a sampler
 *      takes, and controlnet_conditioning_scale is not 0
 */
PIXART_API pixart_status pixart_denoise(const pixart_denoiser *denoiser,
                                        const pixart_tensor *prompt,
                                        const pixart_tensor *negative, const char *options,
                                        pixart_progress progress, void *context,
                                        pixart_tensor **out);

/**
 * Releases a denoiser. Samplers made from it stay usable.
 *
 * @param denoiser the denoiser, or NULL
 */
PIXART_API void pixart_denoiser_release(pixart_denoiser *denoiser);

/**
 * Opens the decoder of a checkpoint.
 *
 * @param model a model on disk that has a VAE, as in pixart_encoder_open(), of diffusers' class
 *      AutoencoderKL or AutoencoderTiny
 * @param options see pixart_options_schema("decoder_open"): threads, weights, compute,
 *      instructions, variant, unexpected_tensors
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out the decoder
 * @return the failures of pixart_encoder_open()
 */
PIXART_API pixart_status pixart_decoder_open(const char *model, const char *options,
                                             pixart_progress progress, void *context,
                                             pixart_decoder **out);

/**
 * Decodes latents into images. Cost: for each image one pass of the VAE, in proportion to its
 * pixels.
 *
 * @param decoder the decoder; thread-safe
 * @param latents float32 [B, C, Y, X] from pixart_denoise()
 * @param options see pixart_options_schema("decode"): height, width, output_type
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out uint8 [B, 8Y, 8X, 3], RGB, rows from the top. If the options give another height and
 *      width, resized and centre-cropped to them. With "output_type": "float32", float32 in 0.0 to
 *      1.0 before rounding
 * @return PIXART_ERROR_ARGUMENT also if the latents have the wrong shape
 */
PIXART_API pixart_status pixart_decode(const pixart_decoder *decoder, const pixart_tensor *latents,
                                       const char *options, pixart_progress progress, void *context,
                                       pixart_tensor **out);

/**
 * Releases a decoder.
 *
 * @param decoder the decoder, or NULL
 */
PIXART_API void pixart_decoder_release(pixart_decoder *decoder);

/**
 * Writes one image as a PNG file (8 bits, RGB). `path` holds either the old content or all of the
 * new.
 *
 * @param images uint8 [B, H, W, 3] or [H, W, 3]
 * @param index which image of the batch, 0 to B - 1
 * @param path the file
 * @param options see pixart_options_schema("image_write"): "text" is an object of keyword: text,
 *      which becomes the file's text chunks, so that an image can carry its prompt and settings
 * @return PIXART_ERROR_FILE
 */
PIXART_API pixart_status pixart_image_write(const pixart_tensor *images, size_t index,
                                            const char *path, const char *options);

/* ---- Step by step ------------------------------------------------------------------------- */

/** One denoising run that the host advances step by step. Used by one thread at a time. */
typedef struct pixart_sampler pixart_sampler;

/**
 * Creates a run. After its last step, the latents equal the result of pixart_denoise().
 *
 * @param denoiser the denoiser; thread-safe. The run keeps its weights alive
 * @param prompt as in pixart_denoise()
 * @param negative as in pixart_denoise()
 * @param options as in pixart_denoise(). With `strength`, the run starts from an image, which
 *      pixart_sampler_set_image_latents() gives
 * @param out the run, before its first step
 * @return the failures of pixart_denoise()
 */
PIXART_API pixart_status pixart_sampler_create(const pixart_denoiser *denoiser,
                                               const pixart_tensor *prompt,
                                               const pixart_tensor *negative, const char *options,
                                               pixart_sampler **out);

/**
 * Creates a run of many prompts at once, with num_images_per_prompt images for each: B = count *
 * num_images_per_prompt, the images of the first prompt first. With one seed per image, each image
 * equals (up to rounding) what a separate run with that seed gives. An embedding that occurs
 * several times is projected once.
 *
 * @param denoiser the denoiser; thread-safe
 * @param count number of prompts, 1 to 256; B is at most 1024
 * @param prompts `count` embeddings, float32 [S, E] from pixart_encode(), of any lengths
 * @param negatives `count` embeddings; required if guidance_scale > 1, else not used and may be
 *      NULL
 * @param options as in pixart_denoise(); `seed` is one for the whole batch, or B of them
 * @param out the run, before its first step
 * @return the failures of pixart_denoise()
 */
PIXART_API pixart_status pixart_sampler_create_batch(const pixart_denoiser *denoiser, size_t count,
                                                     const pixart_tensor *const *prompts,
                                                     const pixart_tensor *const *negatives,
                                                     const char *options, pixart_sampler **out);

/**
 * Uses this noise instead of noise drawn from the seed. In a run from an image, it is the noise
 * that is added to the image.
 *
 * @param sampler the run
 * @param noise float32 [B, C, Y, X], standard normal; the library scales it for the scheduler
 * @return PIXART_ERROR_STATE after the first step
 */
PIXART_API pixart_status pixart_sampler_set_noise(pixart_sampler *sampler,
                                                  const pixart_tensor *noise);

/**
 * Returns the number of steps of a run.
 *
 * @param sampler the run, or NULL
 * @return number of steps; 0 for NULL
 */
PIXART_API int64_t pixart_sampler_steps(const pixart_sampler *sampler);

/**
 * Returns the number of steps done so far.
 *
 * @param sampler the run, or NULL
 * @return number of steps; 0 for NULL
 */
PIXART_API int64_t pixart_sampler_step_index(const pixart_sampler *sampler);

/**
 * Returns the diffusion timestep that the transformer sees in a step, 0 to 999 for published
 * models.
 *
 * @param sampler the run
 * @param index the step, 0 to steps - 1
 * @param out the timestep
 * @return PIXART_ERROR_ARGUMENT if `index` is out of range
 */
PIXART_API pixart_status pixart_sampler_timestep(const pixart_sampler *sampler, int64_t index,
                                                 double *out);

/**
 * Runs one step. After PIXART_CANCELLED the step can be run again from its start.
 *
 * @param sampler the run
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @return PIXART_ERROR_STATE after the last step, in a run with a `strength` but without an image,
 *      and in one with a ControlNet but without a control image
 */
PIXART_API pixart_status pixart_sampler_step(pixart_sampler *sampler, pixart_progress progress,
                                             void *context);

/**
 * Copies the current latents: the noisy start before the first step, the result after the last.
 *
 * @param sampler the run
 * @param out float32 [B, C, Y, X]
 * @return no further failures
 */
PIXART_API pixart_status pixart_sampler_latents(const pixart_sampler *sampler, pixart_tensor **out);

/**
 * Copies the latents without noise that the last step predicted (diffusers' pred_original_sample).
 * pixart_decode() takes them. With a mask, latents outside it are the image's.
 *
 * @param sampler the run
 * @param out float32 [B, C, Y, X]
 * @return PIXART_ERROR_STATE before the first step
 */
PIXART_API pixart_status pixart_sampler_predicted_original(const pixart_sampler *sampler,
                                                           pixart_tensor **out);

/**
 * Makes a small image of the predicted original without a decoder: each latent becomes a pixel, by
 * a linear map. The map is that of vae/config.json ("latent_rgb_factors" [C][3], "latent_rgb_bias"
 * [3]), or the known one of the VAE of Stable Diffusion or SDXL.
 *
 * @param sampler the run
 * @param options see pixart_options_schema("sampler_preview"): rgb_factors, rgb_bias
 * @param out uint8 [B, Y, X, 3], RGB, rows from the top
 * @return PIXART_ERROR_STATE before the first step; PIXART_ERROR_OPTION also if no map for C
 *      channels is known; the failure that reading vae/config.json gave
 */
PIXART_API pixart_status pixart_sampler_preview(const pixart_sampler *sampler, const char *options,
                                                pixart_tensor **out);

/**
 * Releases a run.
 *
 * @param sampler the run, or NULL
 */
PIXART_API void pixart_sampler_release(pixart_sampler *sampler);

/* ---- From images -------------------------------------------------------------------------- */

/** The encoder of a VAE, or of a tiny autoencoder. */
typedef struct pixart_image_encoder pixart_image_encoder;

/**
 * Opens the image encoder of a checkpoint.
 *
 * @param model a model on disk that has a VAE, as in pixart_encoder_open(), of diffusers' class
 *      AutoencoderKL or AutoencoderTiny
 * @param options see pixart_options_schema("image_encoder_open"): threads, weights, compute,
 *      instructions, variant, unexpected_tensors
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out the image encoder
 * @return the failures of pixart_encoder_open()
 */
PIXART_API pixart_status pixart_image_encoder_open(const char *model, const char *options,
                                                   pixart_progress progress, void *context,
                                                   pixart_image_encoder **out);

/**
 * Encodes images into latents. A VAE encodes an image into a distribution of latents; the options
 * say whether they are drawn from it or are its mean. Cost: for each image one pass of the
 * network.
 *
 * @param encoder the image encoder; thread-safe
 * @param images uint8 [B, H, W, 3] or [H, W, 3], RGB, rows from the top; H and W are multiples of
 *      8, see pixart_image_resize()
 * @param options see pixart_options_schema("image_encode"): sample_mode, seed
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @param out float32 [B, C, H / 8, W / 8], scaled as the denoiser sees latents
 * @return PIXART_ERROR_ARGUMENT also if the images have the wrong shape; PIXART_ERROR_OPTION also
 *      if `seed` has other than B elements
 */
PIXART_API pixart_status pixart_image_encode(const pixart_image_encoder *encoder,
                                             const pixart_tensor *images, const char *options,
                                             pixart_progress progress, void *context,
                                             pixart_tensor **out);

/**
 * Releases an image encoder.
 *
 * @param encoder the image encoder, or NULL
 */
PIXART_API void pixart_image_encoder_release(pixart_image_encoder *encoder);

/**
 * Starts a run from an image, with as much noise as the option `strength` says: image-to-image. Of
 * num_inference_steps, the run has the last int(num_inference_steps * strength). Matches
 * diffusers' StableDiffusionImg2ImgPipeline.
 *
 * @param sampler the run
 * @param latents float32 [1 or B, C, Y, X], the image from pixart_image_encode(), of the run's
 *      size
 * @return PIXART_ERROR_STATE after the first step, and if `strength` is null
 */
PIXART_API pixart_status pixart_sampler_set_image_latents(pixart_sampler *sampler,
                                                          const pixart_tensor *latents);

/**
 * Inpainting: only the masked area is regenerated. May be called before or after
 * pixart_sampler_set_image_latents(). After each step, latents outside the mask are the image's
 * with the noise of that step. With a `strength` of 1 the run starts from noise alone. Matches
 * diffusers' StableDiffusionInpaintPipeline with a network of 4 channels. A decoder does not
 * reproduce pixels outside the mask exactly: pixart_image_blend() copies them from the original.
 *
 * @param sampler the run
 * @param mask uint8 [H, W] or [1 or B, H, W], also with a last dimension of 1, in pixels of the
 *      run's size; at least 128 in the area that is regenerated. Each latent takes the value of
 *      the top-left pixel of its 8 x 8 block
 * @return PIXART_ERROR_STATE after the first step, and if `strength` is null
 */
PIXART_API pixart_status pixart_sampler_set_mask(pixart_sampler *sampler,
                                                 const pixart_tensor *mask);

/**
 * Guides a run by a control image, such as the edges of a photograph, with the ControlNet that the
 * denoiser was opened with. All predictions of classifier-free guidance have the same control
 * image. The options controlnet_conditioning_scale, control_guidance_start and
 * control_guidance_end say how much and when. Cost: in the steps that it guides, about as much
 * more as the ControlNet's blocks are of the transformer's (13 of 28 in PixArt-delta). Matches
 * PixArtAlphaControlnetPipeline of diffusers' research projects.
 *
 * @param sampler the run
 * @param latents float32 [1 or B, C, Y, X], the control image from pixart_image_encode(), of the
 *      run's size
 * @return PIXART_ERROR_STATE after the first step, and if the denoiser has no ControlNet
 */
PIXART_API pixart_status pixart_sampler_set_control(pixart_sampler *sampler,
                                                    const pixart_tensor *latents);

/**
 * Reads a PNG file of any colour type and bit depth, interlaced or not. Alpha that is not asked
 * for is dropped, and 255 if it is asked for and missing. Grey becomes three equal colours;
 * colours become grey as (19595 R + 38470 G + 7471 B + 32768) >> 16. Palettes are looked up, 16
 * bits are rounded to 8, fewer are widened. The orientation in an eXIf chunk is applied. Gamma,
 * colour profiles and text are ignored. Memory: the pixels, and up to three times as many for grey
 * from colours.
 *
 * @param path the file
 * @param options see pixart_options_schema("image_read"): channels, 1 (grey), 3 (RGB, the default)
 *      or 4 (RGBA)
 * @param out uint8 [H, W, channels], rows from the top
 * @return PIXART_ERROR_FILE; PIXART_ERROR_FORMAT if the file is no PNG, truncated, damaged
 *      (checksums are checked), or larger than 65536 pixels along a side or 2^28 in all
 */
PIXART_API pixart_status pixart_image_read(const char *path, const char *options,
                                           pixart_tensor **out);

/**
 * Reads a PNG image from memory, as pixart_image_read() reads a file.
 *
 * @param data the bytes of a PNG file
 * @param size number of bytes
 * @param options see pixart_options_schema("image_read")
 * @param out uint8 [H, W, channels], rows from the top
 * @return PIXART_ERROR_FORMAT as in pixart_image_read()
 */
PIXART_API pixart_status pixart_image_read_memory(const void *data, size_t size,
                                                  const char *options, pixart_tensor **out);

/**
 * Makes the bytes of the PNG file that pixart_image_write() would write.
 *
 * @param images uint8 [B, H, W, 3] or [H, W, 3]
 * @param index which image of the batch, 0 to B - 1
 * @param options see pixart_options_schema("image_write")
 * @param out uint8 [N], the bytes of the file
 * @return no further failures
 */
PIXART_API pixart_status pixart_image_write_memory(const pixart_tensor *images, size_t index,
                                                   const char *options, pixart_tensor **out);

/**
 * Resizes images with the Lanczos filter, as Pillow and diffusers' image processor do. Runs on the
 * calling thread, in a fraction of a second for a photograph.
 *
 * @param images uint8 [B, H, W, C] or [H, W, C], C 1, 3 or 4; channels are resized separately
 * @param options see pixart_options_schema("image_resize"): height, width; resize_mode, "default"
 *      (stretch) or "crop" (cover, and cut out the middle)
 * @param out uint8 [B, height, width, C] or [height, width, C]
 * @return PIXART_ERROR_ARGUMENT also if the images have the wrong shape
 */
PIXART_API pixart_status pixart_image_resize(const pixart_tensor *images, const char *options,
                                             pixart_tensor **out);

/**
 * Combines images pixel by pixel: the image if the mask is 128 or more, else the original.
 *
 * @param images uint8 [B, H, W, C] or [H, W, C], C 1, 3 or 4
 * @param originals images of the same size and channels: B of them, or one for all
 * @param mask uint8 [H, W], [B, H, W] or [1, H, W], also with a last dimension of 1
 * @param out uint8, the shape of `images`
 * @return PIXART_ERROR_ARGUMENT also if they do not fit each other
 */
PIXART_API pixart_status pixart_image_blend(const pixart_tensor *images,
                                            const pixart_tensor *originals,
                                            const pixart_tensor *mask, pixart_tensor **out);

/**
 * Detects the edges of images by the network HED, for the control image of a ControlNet of
 * PixArt-delta: pixart_image_encode() makes its latents. Long; reports progress and can be
 * cancelled. Memory: the weights, 59 MB, and 1.2 KB for each pixel of an image.
 *
 * @param images uint8 [B, H, W, 3] or [H, W, 3], H and W at least 16
 * @param model ControlNetHED.pth as published in lllyasviel/Annotators, the folder that holds it,
 *      or the id of that repository in the Hub's cache
 * @param options see pixart_options_schema("image_edges"): threads, instructions
 * @param progress NULL, or called after each of the five levels of an image
 * @param context passed to `progress`
 * @param out uint8, the shape of `images`: three equal channels, from 0 (no edge) to 255
 * @return PIXART_ERROR_FILE, _FORMAT and _MODEL as pixart_encoder_open(); PIXART_ERROR_ARGUMENT
 *      also if the images have the wrong shape; PIXART_CANCELLED
 */
PIXART_API pixart_status pixart_image_edges(const pixart_tensor *images, const char *model,
                                            const char *options, pixart_progress progress,
                                            void *context, pixart_tensor **out);

/* ---- Tensors and files -------------------------------------------------------------------- */

/** Element type: 4 bytes, IEEE 754, the host's byte order. Values are pinned. */
#define PIXART_FLOAT32 1
/** Element type: 1 byte, 0 to 255. */
#define PIXART_UINT8 2

/** The largest number of dimensions of a tensor. */
#define PIXART_MAX_RANK 8

/**
 * Makes a tensor with a copy of `data`.
 *
 * @param type PIXART_FLOAT32 or PIXART_UINT8
 * @param rank number of dimensions, 0 to PIXART_MAX_RANK
 * @param shape `rank` dimensions, each >= 0; may be NULL if rank is 0
 * @param data elements in row-major order; may be NULL if there are none
 * @param size bytes at `data`: the product of the shape times the size of an element
 * @param out the tensor
 * @return no further failures
 */
PIXART_API pixart_status pixart_tensor_create(int32_t type, size_t rank, const int64_t *shape,
                                              const void *data, size_t size, pixart_tensor **out);

/**
 * Returns the element type.
 *
 * @param tensor a tensor, or NULL
 * @return PIXART_FLOAT32 or PIXART_UINT8; 0 for NULL
 */
PIXART_API int32_t pixart_tensor_type(const pixart_tensor *tensor);

/**
 * Returns the number of dimensions.
 *
 * @param tensor a tensor, or NULL
 * @return 0 to PIXART_MAX_RANK; 0 for NULL
 */
PIXART_API size_t pixart_tensor_rank(const pixart_tensor *tensor);

/**
 * Returns the dimensions.
 *
 * @param tensor a tensor, or NULL
 * @return pixart_tensor_rank() dimensions, owned by the tensor; NULL for NULL
 */
PIXART_API const int64_t *pixart_tensor_shape(const pixart_tensor *tensor);

/**
 * Returns the elements.
 *
 * @param tensor a tensor, or NULL
 * @return elements in row-major order, aligned to 64 bytes, owned by the tensor and valid until it
 *      is released; NULL for NULL
 */
PIXART_API const void *pixart_tensor_data(const pixart_tensor *tensor);

/**
 * Returns the size of the elements.
 *
 * @param tensor a tensor, or NULL
 * @return bytes at pixart_tensor_data(); 0 for NULL
 */
PIXART_API size_t pixart_tensor_size(const pixart_tensor *tensor);

/**
 * Releases a tensor.
 *
 * @param tensor a tensor, or NULL
 */
PIXART_API void pixart_tensor_release(pixart_tensor *tensor);

/**
 * Saves tensors in one safetensors file. `path` holds either the old content or all of the new.
 *
 * @param path the file
 * @param count number of tensors
 * @param names `count` names, all different, none "__metadata__"
 * @param tensors `count` tensors
 * @return PIXART_ERROR_ARGUMENT also for wrong names; PIXART_ERROR_FILE
 */
PIXART_API pixart_status pixart_tensors_save(const char *path, size_t count,
                                             const char *const *names,
                                             const pixart_tensor *const *tensors);

/**
 * Loads tensors from a safetensors file. F16 and BF16 tensors are converted to float32.
 *
 * @param path the file
 * @param count number of tensors
 * @param names `count` names
 * @param out array of `count` handles, in the order of `names`; all NULL on failure
 * @return PIXART_ERROR_FILE, PIXART_ERROR_FORMAT; PIXART_ERROR_MODEL if a name is not in the file,
 *      or its type is not F32, F16, BF16 or U8
 */
PIXART_API pixart_status pixart_tensors_load(const char *path, size_t count,
                                             const char *const *names, pixart_tensor **out);

/**
 * Lists the tensors of a safetensors file. Reads the header only.
 *
 * @param path the file
 * @param report JSON, to be freed with pixart_string_release(): {name: {"dtype": "F32", "shape":
 *      [...]}, ...}, with the types that the file names, also those that pixart_tensors_load()
 *      cannot read
 * @return PIXART_ERROR_FILE, PIXART_ERROR_FORMAT
 */
PIXART_API pixart_status pixart_tensors_list(const char *path, char **report);

/**
 * Frees text that a call returned through a `char **` out-parameter.
 *
 * @param string the text, or NULL
 */
PIXART_API void pixart_string_release(char *string);

/* ---- Resources and checkpoints ------------------------------------------------------------ */

/**
 * Returns the options of a verb, or the list of verbs.
 *
 * @param verb the name of a function that takes options, without "pixart_", such as "denoise"; or
 *      NULL
 * @return the options as a JSON Schema with types, ranges, defaults and descriptions; for NULL,
 *      the names of all verbs as a JSON array; NULL for any other name. Static, never released
 */
PIXART_API const char *pixart_options_schema(const char *verb);

/**
 * Reports the tokens that pixart_encode() would encode, without running the network.
 *
 * @param encoder the encoder; thread-safe
 * @param prompt as in pixart_encode()
 * @param options as in pixart_encode()
 * @param report JSON, to be freed with pixart_string_release(): {"text": the text after cleaning,
 *      "ids": [token ids, the closing 1 included], "pieces": [the text of each], "offsets":
 *      [[first, end] of each, the bytes of "text" that it comes from; [n, n] for the closing one],
 *      "max_sequence_length": n, "truncated_tokens": number of dropped tokens, "truncated_text":
 *      their text}
 * @return the failures of pixart_encode()
 */
PIXART_API pixart_status pixart_encoder_tokenize(const pixart_encoder *encoder, const char *prompt,
                                                 const char *options, char **report);

/**
 * Reports the memory of an encoder. Cheap.
 *
 * @param encoder the handle; thread-safe
 * @param options see pixart_options_schema("encoder_memory"): tokens, the length of the prompt
 * @param report JSON, to be freed with pixart_string_release(), all in bytes: {"weights_resident":
 *      converted or small weights in private memory, "weights_mapped": weights in mapped files,
 *      which count once they are touched and which the system can take back, "activations": the
 *      sum of the buffers that a call allocates plus a fixed allowance per thread, "peak": the sum
 *      of these, "activations_held": what the threads keep for reuse, 0 before the first call}
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_encoder_memory(const pixart_encoder *encoder, const char *options,
                                               char **report);

/**
 * Reports where the time of an encoder's calls went since it was opened. The difference of two
 * reports is the time of the calls between them. Cheap.
 *
 * Seconds are wall-clock time (not CPU time summed over threads). They include waits for other
 * calls on the handle and exclude work done only on the calling thread. Operations are the
 * additions and multiplications that the algorithms of GEMMs, attention and convolutions make; 0
 * for other kinds.
 *
 * @param encoder the handle; thread-safe
 * @param report JSON, to be freed with pixart_string_release(): {kind: {"seconds": s,
 *      "operations": n}, ...}. Every kind is always present: "gemm_float32",
 *      "gemm_bfloat16", "gemm_int8" (GEMMs by what they compute in), "attention",
 *      "convolution", "rows" (norms and rounding), "weights" (converting weights), "other"
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_encoder_profile(const pixart_encoder *encoder, char **report);

/**
 * Reports what an encoder was opened from, and how. Later versions add keys. Cheap.
 *
 * @param encoder the handle; thread-safe
 * @param report JSON, to be freed with pixart_string_release(): {"files": [paths that were
 *      opened], "precision": {"stored": [element types of the weights, as in safetensors],
 *      "weights": as the option, "compute": as the option}, "kernels": {"instructions": the set
 *      that computes, "blas": whether OpenBLAS was found for the set "portable"},
 *      "ignored_tensors": [{"name": a tensor that is not used, "reason": why that does no harm},
 *      ...], "adapters": [{"name", "scale": as the option, "files": [paths], "naming": [programs
 *      that name tensors so], "kinds": ["lora", "dora", "loha", "lokr"], "ranks": [those of its
 *      modules], "own_scales": [what the file says of scales, such as alpha/rank], "modules":
 *      number of modules that it changes, "fused": whether it is merged into weights,
 *      "ignored_tensors": as above}, ...], "source": {"form":
 *      "safetensors", "gguf" or "pickle", "names": whose names the tensors have, "prefix": what
 *      they begin with, "assumed": {fields of config.json that nothing tells}}, "architecture":
 *      {facts from the configuration}}
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_encoder_report(const pixart_encoder *encoder, char **report);

/**
 * Reports the memory of a denoiser, as pixart_encoder_memory() does.
 *
 * @param denoiser the handle; thread-safe
 * @param options see pixart_options_schema("denoiser_memory"): those of pixart_denoise() that
 *      decide the size of a run; prompts, their number; tokens, their length
 * @param report JSON as in pixart_encoder_memory(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_denoiser_memory(const pixart_denoiser *denoiser,
                                                const char *options, char **report);

/**
 * Reports the time of a denoiser, as pixart_encoder_profile() does.
 *
 * @param denoiser the handle; thread-safe
 * @param report JSON as in pixart_encoder_profile(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_denoiser_profile(const pixart_denoiser *denoiser, char **report);

/**
 * Reports what a denoiser was opened from, as pixart_encoder_report() does.
 *
 * @param denoiser the handle; thread-safe
 * @param report JSON as in pixart_encoder_report(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_denoiser_report(const pixart_denoiser *denoiser, char **report);

/**
 * Reports the memory of a decoder, as pixart_encoder_memory() does.
 *
 * @param decoder the handle; thread-safe
 * @param options see pixart_options_schema("decoder_memory"): height and width of the images
 *      before any resizing, 512 by default; num_images_per_prompt
 * @param report JSON as in pixart_encoder_memory(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_decoder_memory(const pixart_decoder *decoder, const char *options,
                                               char **report);

/**
 * Reports the time of a decoder, as pixart_encoder_profile() does.
 *
 * @param decoder the handle; thread-safe
 * @param report JSON as in pixart_encoder_profile(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_decoder_profile(const pixart_decoder *decoder, char **report);

/**
 * Reports what a decoder was opened from, as pixart_encoder_report() does.
 *
 * @param decoder the handle; thread-safe
 * @param report JSON as in pixart_encoder_report(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_decoder_report(const pixart_decoder *decoder, char **report);

/**
 * Reports the memory of an image encoder, as pixart_encoder_memory() does.
 *
 * @param encoder the handle; thread-safe
 * @param options see pixart_options_schema("image_encoder_memory"): height and width of the
 *      images, 512 by default; num_images_per_prompt
 * @param report JSON as in pixart_encoder_memory(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_image_encoder_memory(const pixart_image_encoder *encoder,
                                                     const char *options, char **report);

/**
 * Reports the time of an image encoder, as pixart_encoder_profile() does.
 *
 * @param encoder the handle; thread-safe
 * @param report JSON as in pixart_encoder_profile(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_image_encoder_profile(const pixart_image_encoder *encoder,
                                                      char **report);

/**
 * Reports what an image encoder was opened from, as pixart_encoder_report() does.
 *
 * @param encoder the handle; thread-safe
 * @param report JSON as in pixart_encoder_report(); free it with pixart_string_release()
 * @return PIXART_ERROR_STATE in a forked child
 */
PIXART_API pixart_status pixart_image_encoder_report(const pixart_image_encoder *encoder,
                                                     char **report);

/**
 * Reports what a model on disk is. Reads configurations and headers, no weights.
 *
 * @param model a model on disk, as in pixart_encoder_open()
 * @param options see pixart_options_schema("inspect"): variant, unexpected_tensors, config,
 *      state_dict
 * @param report JSON: "path", which is the snapshot's for an id; "kind", "pipeline" (a folder with
 *      parts), "part" (the folder of one) or "file"; "pipeline", the diffusers class; and "parts":
 *      for each part that is there, its "files", "form" ("safetensors", "gguf" or "pickle"),
 *      "names" (whose names the tensors have), "prefix", "types" (tensors of each element type),
 *      "parameters", "bytes", "architecture", "assumed" (fields of config.json that nothing
 *      tells), "ignored_tensors", and "memory" by stage, as in pixart_memory_estimate(). A part or
 *      a stage that cannot be opened has "error" instead. Free it with pixart_string_release()
 * @return PIXART_ERROR_FILE, PIXART_ERROR_FORMAT or PIXART_ERROR_MODEL if there is no part at all
 */
PIXART_API pixart_status pixart_inspect(const char *model, const char *options, char **report);

/**
 * Estimates the memory of a stage of a checkpoint before anything is opened. Reads configurations
 * and headers, no weights.
 *
 * @param model a model on disk that has the part of the stage, as in pixart_encoder_open()
 * @param options see pixart_options_schema("memory_estimate"): stage ("encode", "denoise",
 *      "decode" or "image_encode"), and the options of that stage's open and verb that decide its
 *      memory
 * @param report JSON as in pixart_encoder_memory(), without "activations_held"; free it with
 *      pixart_string_release()
 * @return the failures of opening the stage
 */
PIXART_API pixart_status pixart_memory_estimate(const char *model, const char *options,
                                                char **report);

/**
 * Writes a checkpoint in another precision, as a folder in the diffusers layout, so that the next
 * open reads only what it needs. Opening `out` with the defaults computes the same bits as opening
 * `model` with the same weights. docs/checkpoint-format.md describes the bytes.
 *
 * Each part gets one safetensors file with the names of the original. config.json,
 * model_index.json and the known files of `tokenizer` and `scheduler` are copied; they must lie in
 * `model` or, in the Hub's cache, among the blobs of its repository. Layers that would suffer are
 * stored higher, and the VAE is not quantized. Tensors that no stage reads are left out. A call
 * that fails or is cancelled leaves nothing behind. Memory: a piece of one tensor.
 *
 * @param model a model on disk, as in pixart_encoder_open(): what is written is an ordinary folder
 *      in the diffusers layout, whatever it was made from
 * @param out destination folder; created if missing, its parent must exist. Existing files are
 *      replaced only after all new files are complete; other files are left alone
 * @param options see pixart_options_schema("convert"): weights ("int8" by default), parts, variant
 *      (of `model`), threads, unexpected_tensors, adapters
 * @param progress callback, or NULL
 * @param context passed to `progress`
 * @return PIXART_ERROR_ARGUMENT also if `out` is the folder `model`; PIXART_ERROR_FILE,
 *      PIXART_ERROR_FORMAT; PIXART_ERROR_MODEL if tensors do not fit the architecture, or are
 *      stored as int8 or int4 in another precision than asked for
 */
PIXART_API pixart_status pixart_convert(const char *model, const char *out, const char *options,
                                        pixart_progress progress, void *context);

#ifdef __cplusplus
}
#endif

#endif /* PIXART_H */

/* Fuzz targets over the C ABI: every reader, the options of every verb, and the caption cleaner. Forms of weights and
 * adapters have many names and types, and few of their faults are found by chance, so those targets call the readers in
 * FuzzedReaders.swift, and the C ABI only for some inputs.
 *
 *     PIXART_FUZZ_TARGET   one of the names in the table at the end
 *     PIXART_FUZZ_MODEL    a small checkpoint, models/emoji
 *
 * With libFuzzer this is a coverage-guided fuzzer. Compiled with -DREPLAY it runs the files of its command line once;
 * the tests replay the corpus that way. A finding is a crash, a sanitizer's report, PIXART_ERROR_INTERNAL, or a failure
 * without a message. */
#include "pixart.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[256];
static const char *model, *relative;
static pixart_encoder *encoder;
static pixart_denoiser *denoiser;
static pixart_tensor *prompt, *negative;

static pixart_status checked(pixart_status status) {
    if (status == PIXART_ERROR_INTERNAL || (status != PIXART_OK && pixart_error_message()[0] == '\0')) {
        fprintf(stderr, "finding: %s: %s\n", pixart_status_name(status), pixart_error_message());
        abort();
    }
    return status;
}

static int32_t stop_soon(void *calls_left, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    return --*(int *)calls_left <= 0;
}

/* Writes the input to the file that the target's reader reads. */
static void put(const uint8_t *data, size_t size) {
    int descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (descriptor < 0 || (size > 0 && write(descriptor, data, size) != (ssize_t)size))
        abort();
    close(descriptor);
}

static void estimate(const char *stage) {
    char options[64], *report = NULL;
    snprintf(options, sizeof options, "{\"stage\": \"%s\"}", stage);
    checked(pixart_memory_estimate(folder, options, &report));
    pixart_string_release(report);
}

/* Creates a run. In one case of eight it also runs steps, which take much longer than reading. */
static void begin_run(int takes_steps) {
    static const char options[] = "{\"height\": 32, \"width\": 32, \"num_inference_steps\": 3}";
    pixart_denoiser *own = NULL;
    pixart_sampler *sampler = NULL;
    if (checked(pixart_denoiser_open(folder, "{\"threads\": 1}", NULL, NULL, &own)))
        return;
    pixart_status status = checked(pixart_sampler_create(own, prompt, negative, options, &sampler));
    while (status == PIXART_OK && takes_steps && pixart_sampler_step_index(sampler) < pixart_sampler_steps(sampler))
        status = checked(pixart_sampler_step(sampler, NULL, NULL));
    pixart_sampler_release(sampler);
    pixart_denoiser_release(own);
}

static void read_tensors(const uint8_t *data, size_t size) {
    const char *names[] = {"a", "b"};
    pixart_tensor *tensors[2] = {NULL, NULL};
    put(data, size);
    checked(pixart_tensors_load(file, size % 2 + 1, names, tensors));
    pixart_tensor_release(tensors[0]);
    pixart_tensor_release(tensors[1]);
}

static void read_png(const uint8_t *data, size_t size) {
    static const char *const options[] = {NULL, "{\"channels\": 1}", "{\"channels\": 4}"};
    pixart_tensor *image = NULL;
    put(data, size);
    checked(pixart_image_read(file, options[size % 3], &image));
    pixart_tensor_release(image);
}

static void read_text_encoder(const uint8_t *data, size_t size) {
    put(data, size);
    estimate("encode");
}

static void read_transformer(const uint8_t *data, size_t size) {
    put(data, size);
    estimate("denoise");
}

static void read_vae(const uint8_t *data, size_t size) {
    put(data, size);
    estimate("decode");
    estimate("image_encode");
}

/* Readers of FuzzedReaders.swift. They trap at a finding. */
void fuzz_read_weights(const char *path);
void fuzz_read_adapter(const char *path);

/* One input of this many is also read through the C ABI, which takes a hundred times as long. */
enum { abi_interval = 256, most_bytes = 1 << 20 };

static void read_weights(size_t size) {
    pixart_encoder *own_encoder = NULL;
    pixart_denoiser *own_denoiser = NULL;
    pixart_decoder *own_decoder = NULL;
    char *report = NULL;
    fuzz_read_weights(file);
    if (size % abi_interval != 0)
        return;
    checked(pixart_inspect(file, NULL, &report));
    pixart_string_release(report);
    checked(pixart_encoder_open(file, "{\"threads\": 1}", NULL, NULL, &own_encoder));
    checked(pixart_denoiser_open(file, "{\"threads\": 1, \"weights\": \"float32\"}", NULL, NULL, &own_denoiser));
    checked(pixart_decoder_open(file, "{\"threads\": 1}", NULL, NULL, &own_decoder));
    pixart_encoder_release(own_encoder);
    pixart_denoiser_release(own_denoiser);
    pixart_decoder_release(own_decoder);
}

static void read_pickle(const uint8_t *data, size_t size) {
    put(data, size);
    read_weights(size);
}

/* The lists of a GGUF file. Zeros follow as blocks of tensors. */
static void read_gguf(const uint8_t *data, size_t size) {
    put(data, size);
    if (truncate(file, (off_t)size + (1 << 16)) != 0)
        abort();
    read_weights(size);
}

/* Returns where the last tensor of a header ends, by the largest number after a comma in "data_offsets". */
static size_t end_of_tensors(const char *header, size_t size) {
    size_t end = 0;
    for (size_t i = 0; i + 15 < size; i++) {
        if (memcmp(header + i, "data_offsets\":[", 15) != 0)
            continue;
        for (i += 15; i < size && header[i] != ',' && header[i] != ']'; i++)
            ;
        size_t number = 0;
        for (i++; i < size && header[i] >= '0' && header[i] <= '9' && number <= most_bytes; i++)
            number = 10 * number + (size_t)(header[i] - '0');
        end = number > end && number <= most_bytes ? number : end;
    }
    return end;
}

/* Writes a safetensors file of a header, with the first bytes of its tensors. Zeros follow. */
static void put_safetensors(const uint8_t *header, size_t header_size, const uint8_t *data, size_t data_size) {
    static uint8_t content[8 + 2 * most_bytes];
    size_t end = end_of_tensors((const char *)header, header_size);
    if (header_size > most_bytes)
        return;
    data_size = data_size < end ? data_size : end;
    for (int byte = 0; byte < 8; byte++)
        content[byte] = (uint8_t)(header_size >> 8 * byte);
    memcpy(content + 8, header, header_size);
    memcpy(content + 8 + header_size, data, data_size);
    put(content, 8 + header_size + data_size);
    if (truncate(file, (off_t)(8 + header_size + end)) != 0)
        abort();
}

/* The header of a safetensors file, a NUL, and the first bytes of its tensors. */
static void read_safetensors_weights(const uint8_t *data, size_t size) {
    const uint8_t *zero = memchr(data, 0, size);
    size_t header_size = zero != NULL ? (size_t)(zero - data) : size;
    size_t rest = zero != NULL ? size - header_size - 1 : 0;
    put_safetensors(data, header_size, data + size - rest, rest);
    read_weights(size);
}

/* The header of an adapter, whose tensors are zeros, and maybe a NUL and PEFT's configuration. */
static void read_adapter(const uint8_t *data, size_t size) {
    const uint8_t *zero = memchr(data, 0, size);
    size_t header_size = zero != NULL ? (size_t)(zero - data) : size;
    snprintf(file, sizeof file, "%s/x.json", folder);
    if (zero != NULL)
        put(zero + 1, size - header_size - 1);
    else
        unlink(file);
    snprintf(file, sizeof file, "%s/x", folder);
    put_safetensors(data, header_size, data, 0);
    fuzz_read_adapter(file);
    if (size % abi_interval != 0)
        return;
    char options[512], *report = NULL;
    snprintf(options, sizeof options, "{\"threads\": 1, \"adapters\": [\"%s\"]}", file);
    checked(pixart_memory_estimate(model, options, &report));
    pixart_string_release(report);
}

static void read_run(const uint8_t *data, size_t size) {
    put(data, size);
    begin_run(size % 8 == 0);
}

static void read_tokenizer(const uint8_t *data, size_t size) {
    pixart_encoder *own = NULL;
    char *report = NULL;
    put(data, size);
    if (checked(pixart_encoder_open(folder, "{\"threads\": 1}", NULL, NULL, &own)))
        return;
    checked(pixart_encoder_tokenize(own, "A cat &amp; \xc3\xa9\xef\xac\x81 dog! 123 \xe2\x96\x81", NULL, &report));
    pixart_string_release(report);
    pixart_encoder_release(own);
}

static void clean(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size), *report = NULL;
    checked(pixart_encoder_tokenize(encoder, text, "{\"clean_caption\": true}", &report));
    pixart_string_release(report);
    free(text);
}

/* Returns 1 if options ask for too much work for a fuzzer: a number of over three digits, or an escape. */
static int is_large(const char *options) {
    size_t digits = 0;
    for (; *options != '\0'; options++) {
        digits = *options >= '0' && *options <= '9' ? digits + 1 : 0;
        if (digits > 2 || *options == '\\' || *options == 'e' || *options == 'E')
            return 1;
    }
    return 0;
}

/* The first byte selects the verb, and the rest are its options. */
static void take_options(const uint8_t *data, size_t size) {
    if (size == 0)
        return;
    char *options = strndup((const char *)data + 1, size - 1), *report = NULL;
    pixart_tensor *tensor = NULL, *image = NULL;
    int64_t shape[] = {8, 8, 3};
    uint8_t pixels[192] = {0};
    int calls = 1;
    checked(pixart_tensor_create(PIXART_UINT8, 3, shape, pixels, sizeof pixels, &image));
    switch (data[0] % 10) {
    case 0:
        if (!is_large(options))
            checked(pixart_denoise(denoiser, prompt, negative, options, stop_soon, &calls, &tensor));
        break;
    case 1:
        checked(pixart_memory_estimate(model, options, &report));
        break;
    case 2:
        checked(pixart_denoiser_memory(denoiser, options, &report));
        break;
    case 3:
        checked(pixart_encoder_memory(encoder, options, &report));
        break;
    case 4:
        checked(pixart_encoder_tokenize(encoder, "a cat", options, &report));
        break;
    case 5:
        if (!is_large(options))
            checked(pixart_image_resize(image, options, &tensor));
        break;
    case 6:
        checked(pixart_image_write(image, 0, file, options));
        break;
    case 7:
        checked(pixart_image_read(file, options, &tensor));
        break;
    case 8:
        checked(pixart_convert("/nowhere", folder, options, NULL, NULL));
        break;
    case 9: {
        pixart_decoder *own = NULL;
        if (!is_large(options))
            checked(pixart_decoder_open(model, options, NULL, NULL, &own));
        pixart_decoder_release(own);
    }
    }
    pixart_string_release(report);
    pixart_tensor_release(tensor);
    pixart_tensor_release(image);
    free(options);
}

/* A target, and the file of a checkpoint that its input replaces. */
static const struct {
    const char *name, *file;
    void (*run)(const uint8_t *data, size_t size);
} targets[] = {
    {"safetensors", "x", read_tensors},
    {"png", "x", read_png},
    {"prompt", "x", clean},
    {"options", "x", take_options},
    {"text_encoder", "text_encoder/config.json", read_text_encoder},
    {"transformer", "transformer/config.json", read_transformer},
    {"vae", "vae/config.json", read_vae},
    {"scheduler", "scheduler/scheduler_config.json", read_run},
    {"model_index", "model_index.json", read_run},
    {"shard_index", "transformer/diffusion_pytorch_model.safetensors.index.json", read_transformer},
    {"spiece", "tokenizer/spiece.model", read_tokenizer},
    {"tokenizer_json", "tokenizer/tokenizer.json", read_tokenizer},
    {"gguf", "x", read_gguf},
    {"torch_zip", "x", read_pickle},
    {"torch_legacy", "x", read_pickle},
    {"quantized", "x", read_safetensors_weights},
    {"names", "x", read_safetensors_weights},
    {"adapter", "x", read_adapter},
};
static size_t target;

static void prepare(void) {
    const char *name = getenv("PIXART_FUZZ_TARGET");
    model = getenv("PIXART_FUZZ_MODEL");
    while (target < sizeof targets / sizeof *targets && strcmp(targets[target].name, name != NULL ? name : "") != 0)
        target++;
    if (target == sizeof targets / sizeof *targets || model == NULL)
        abort();
    relative = targets[target].file;
    snprintf(folder, sizeof folder, "%s/pixart-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        abort();
    snprintf(file, sizeof file, "%s/%s", folder, relative);
    char command[8192];
    snprintf(
        command, sizeof command,
        "cp -r '%s'/* '%s' && rm -f '%s' && if [ %s = tokenizer_json ]; then rm -f '%s'/tokenizer/spiece.model; fi && "
        "if [ %s = shard_index ]; then cd '%s'/transformer && mv *.safetensors s.safetensors; fi",
        model, folder, file, name, folder, name, folder);
    if (system(command) != 0)
        abort();
    if (pixart_encoder_open(model, "{\"threads\": 1}", NULL, NULL, &encoder) ||
        pixart_encode(encoder, "cat", NULL, NULL, NULL, &prompt) ||
        pixart_encode(encoder, "", NULL, NULL, NULL, &negative) ||
        pixart_denoiser_open(model, "{\"threads\": 1}", NULL, NULL, &denoiser))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (model == NULL)
        prepare();
    targets[target].run(data, size);
    return 0;
}

#ifdef REPLAY
int main(int count, char **paths) {
    for (int i = 1; i < count; i++) {
        FILE *input = fopen(paths[i], "rb");
        static uint8_t data[1 << 22];
        if (input == NULL)
            return 1;
        size_t size = fread(data, 1, sizeof data, input);
        fclose(input);
        LLVMFuzzerTestOneInput(data, size);
    }
    char command[8192];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0;
}
#endif

/* A host that exports functions with the names of the library's inner libraries. None of them is called. */
#include "stages.h"

#include <stdlib.h>
#include <unistd.h>

static int calls;

#define EXPORTED(name)                                                                                                 \
    int name(void);                                                                                                    \
    int name(void) { return ++calls; }

EXPORTED(adler32)
EXPORTED(crc32)
EXPORTED(deflate)
EXPORTED(deflateInit2_)
EXPORTED(inflate)
EXPORTED(inflateInit2_)
EXPORTED(json_object_get_type)
EXPORTED(json_object_is_type)
EXPORTED(json_object_new_object)
EXPORTED(json_tokener_new_ex)
EXPORTED(json_tokener_parse_ex)
EXPORTED(pcre2_compile_8)
EXPORTED(pcre2_match_8)
EXPORTED(pcre2_match_data_create_from_pattern_8)
EXPORTED(png_create_info_struct)
EXPORTED(png_create_read_struct)
EXPORTED(png_create_read_struct_2)
EXPORTED(png_create_write_struct)
EXPORTED(png_set_text)
EXPORTED(png_write_info)
EXPORTED(utf8proc_decompose)
EXPORTED(utf8proc_map)
EXPORTED(utf8proc_reencode)
EXPORTED(cblas_sgemm)
EXPORTED(openblas_set_num_threads)
EXPORTED(_ZN6google8protobuf11MessageLite15ParseFromStringERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE)
EXPORTED(_ZN13sentencepiece22SentencePieceProcessorC1Ev)

static void none_is_called(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *latents = denoise(denoiser, both, SHORT);
    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *image = decode(decoder, latents), *again = NULL;
    char path[] = "/tmp/pixart-host-symbols-XXXXXX";
    int file = mkstemp(path);
    REQUIRE(file >= 0);
    close(file);
    CHECK_OK(pixart_image_write(image, 0, path, "{\"text\": {\"prompt\": \"" PROMPT "\"}}"));
    CHECK_OK(pixart_image_read(path, NULL, &again));
    CHECK(memcmp(pixart_tensor_data(image), pixart_tensor_data(again), pixart_tensor_size(again)) == 0);
    /* With OpenBLAS. */
    pixart_decoder *portable = NULL;
    CHECK_OK(pixart_decoder_open(check_model(), "{\"instructions\": \"portable\"}", NULL, NULL, &portable));
    pixart_tensor_release(decode(portable, latents));
    CHECK_EQUAL(calls, 0);
    unlink(path);
    embeddings_release(both);
    release_tensors((pixart_tensor *[]){latents, image, again}, 3);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
    pixart_decoder_release(portable);
}

static const check_test tests[] = {{"none of a host's functions is called", none_is_called}};

CHECK_MAIN(tests)

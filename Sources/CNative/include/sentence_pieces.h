/* Tokenizing by SentencePiece. C++ exceptions end here: they become a failure with a text. */
#ifndef PIXART_SENTENCE_PIECES_H
#define PIXART_SENTENCE_PIECES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A loaded model; any number of threads may use it at once. */
typedef struct native_sentence_model native_sentence_model;

/* A text in pieces. */
typedef struct native_sentence_pieces native_sentence_pieces;

/* Loads a model from the `size` bytes of a .model file, which are copied. The caller has checked that the normalization
 * tables in it stay within bounds: SentencePiece does not. Returns NULL on failure, with up to `room` bytes of text,
 * closed by NUL, in `message`. */
native_sentence_model *native_sentence_model_open(const void *bytes, size_t size, char *message, size_t room);

/* Releases a model; NULL is fine. */
void native_sentence_model_release(native_sentence_model *model);

int32_t native_sentence_model_size(const native_sentence_model *model);
/* Ids of the special pieces; -1 where the model has none. */
int32_t native_sentence_model_unknown(const native_sentence_model *model);
int32_t native_sentence_model_end(const native_sentence_model *model);
int32_t native_sentence_model_pad(const native_sentence_model *model);

/* Splits `size` bytes of UTF-8. Returns NULL on failure, as native_sentence_model_open() does. */
native_sentence_pieces *native_sentence_encode(const native_sentence_model *model, const char *text, size_t size,
                                               char *message, size_t room);

/* Turns `count` ids, each in 0 ..< native_sentence_model_size(), into text that native_sentence_text() gives. Returns
 * NULL on failure, as native_sentence_model_open() does. */
native_sentence_pieces *native_sentence_decode(const native_sentence_model *model, const int32_t *ids, size_t count,
                                               char *message, size_t room);

/* Releases pieces; NULL is fine. */
void native_sentence_pieces_release(native_sentence_pieces *pieces);

size_t native_sentence_count(const native_sentence_pieces *pieces);
int32_t native_sentence_id(const native_sentence_pieces *pieces, size_t index);
/* A piece as the model writes it, with U+2581 for a space; owned by `pieces`. */
const char *native_sentence_piece(const native_sentence_pieces *pieces, size_t index, size_t *size);
const char *native_sentence_text(const native_sentence_pieces *pieces, size_t *size);

#ifdef __cplusplus
}
#endif

#endif

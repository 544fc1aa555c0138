/* Safetensors files taken apart, so that a test can change one thing and put them together again. */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <json-c/json.h>
#include <stddef.h>

#define TEXT_ENCODER "text_encoder/model.safetensors"
#define TRANSFORMER "transformer/diffusion_pytorch_model.safetensors"
#define VAE "vae/diffusion_pytorch_model.safetensors"

typedef struct {
    json_object *header; /* name -> {dtype, shape, data_offsets} */
    char *data;          /* where the offsets count from */
    size_t size;         /* bytes at `data` */
} safetensors;

safetensors safetensors_read(const char *folder, const char *file);

/* Writes the file and frees its parts. */
void safetensors_write(safetensors *file, const char *folder, const char *name);

/* One tensor's entry of the header; the test ends where there is none. */
json_object *safetensors_entry(const safetensors *file, const char *tensor);

/* One tensor's elements. */
const void *safetensors_bytes(const safetensors *file, const char *tensor);

/* Takes a tensor out, its bytes too, so that the others stay packed. */
void safetensors_remove(safetensors *file, const char *tensor);

/* Flips the sign of every element of a tensor of any float type. */
void safetensors_flip_signs(safetensors *file, const char *tensor);

/* Stores every element as `type`, "F32", "F16" or "BF16", a little changed: none of the three holds another's values.
 */
void safetensors_recast(safetensors *file, const char *type);

#endif

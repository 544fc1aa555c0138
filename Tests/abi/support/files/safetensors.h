/* Reads and writes safetensors files in parts, so that a test can change one thing. */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <json-c/json.h>
#include <stddef.h>

#define TEXT_ENCODER "text_encoder/model.safetensors"
#define TRANSFORMER "transformer/diffusion_pytorch_model.safetensors"
#define VAE "vae/diffusion_pytorch_model.safetensors"

typedef struct {
    json_object *header; /* name -> {dtype, shape, data_offsets} */
    char *data;          /* offsets are relative to this */
    size_t size;         /* bytes at `data` */
} safetensors;

safetensors safetensors_read(const char *folder, const char *file);

/* Writes the file and frees its parts. */
void safetensors_write(safetensors *file, const char *folder, const char *name);

/* One tensor's entry of the header. The test ends if there is none. */
json_object *safetensors_entry(const safetensors *file, const char *tensor);

/* One tensor's elements. */
const void *safetensors_bytes(const safetensors *file, const char *tensor);

/* Removes a tensor and its bytes, so the others stay packed. */
void safetensors_remove(safetensors *file, const char *tensor);

/* Flips the sign of every element of a tensor of any float type. */
void safetensors_flip_signs(safetensors *file, const char *tensor);

/* Stores every element as `type`, "F32", "F16" or "BF16", slightly changed, so that no other of these types can
 * represent it. */
void safetensors_recast(safetensors *file, const char *type);

#endif

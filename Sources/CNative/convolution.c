#include "convolution.h"

#include <dnnl.h>
#include <stdlib.h>

/* From OpenMP's run time, which oneDNN brings along; Swift's clang ships no omp.h. */
void omp_set_num_threads(int count);

struct native_convolution {
    dnnl_engine_t engine;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t source, weights, target, scratch;
    size_t in_block, out_block;
};

void native_convolution_prepare_thread(void) { omp_set_num_threads(1); }

/* Asks for one algorithm with pixels in the given layouts; the weights' layout is oneDNN's choice. */
static dnnl_status_t describe(native_convolution *plan, dnnl_alg_kind_t algorithm, const dnnl_dims_t source,
                              const dnnl_dims_t target, dnnl_format_tag_t source_tag, dnnl_format_tag_t target_tag) {
    const dnnl_dims_t weights = {target[1], source[1], 3, 3};
    const dnnl_dims_t strides = {1, 1}, padding_before = {0, 1}, padding_after = {0, 1};
    dnnl_memory_desc_t source_desc, weights_desc, target_desc;
    dnnl_memory_desc_init_by_tag(&source_desc, 4, source, dnnl_f32, source_tag);
    dnnl_memory_desc_init_by_tag(&weights_desc, 4, weights, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&target_desc, 4, target, dnnl_f32, target_tag);
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_convolution_forward_desc_init(&operation, dnnl_forward_inference, algorithm,
                                                              &source_desc, &weights_desc, NULL, &target_desc, strides,
                                                              padding_before, padding_after);
    if (status != dnnl_success) return status;
    dnnl_primitive_attr_t attributes;
    status = dnnl_primitive_attr_create(&attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    status = dnnl_primitive_desc_create(&plan->description, &operation, attributes, plan->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

native_convolution *native_convolution_create(size_t in_channels, size_t out_channels, size_t rows, size_t width) {
    native_convolution *plan = calloc(1, sizeof *plan);
    if (!plan) return NULL;
    const dnnl_dims_t source = {1, (dnnl_dim_t)in_channels, (dnnl_dim_t)rows + 2, (dnnl_dim_t)width};
    const dnnl_dims_t target = {1, (dnnl_dim_t)out_channels, (dnnl_dim_t)rows, (dnnl_dim_t)width};
    dnnl_status_t status = dnnl_engine_create(&plan->engine, dnnl_cpu, 0);
    if (status == dnnl_success) {
        status = dnnl_unimplemented;
        if (in_channels % 16 == 0 && out_channels % 16 == 0) {
            plan->in_block = plan->out_block = 16;
            status = describe(plan, dnnl_convolution_winograd, source, target, dnnl_nChw16c, dnnl_nChw16c);
        }
        if (status != dnnl_success) {
            plan->in_block = in_channels;
            plan->out_block = out_channels;
            status = describe(plan, dnnl_convolution_direct, source, target, dnnl_nhwc, dnnl_nhwc);
        }
    }
    if (status == dnnl_success) status = dnnl_primitive_create(&plan->primitive, plan->description);
    if (status != dnnl_success) {
        native_convolution_release(plan);
        return NULL;
    }
    plan->source = *dnnl_primitive_desc_query_md(plan->description, dnnl_query_src_md, 0);
    plan->weights = *dnnl_primitive_desc_query_md(plan->description, dnnl_query_weights_md, 0);
    plan->target = *dnnl_primitive_desc_query_md(plan->description, dnnl_query_dst_md, 0);
    plan->scratch = *dnnl_primitive_desc_query_md(plan->description, dnnl_query_scratchpad_md, 0);
    return plan;
}

void native_convolution_release(native_convolution *plan) {
    if (!plan) return;
    if (plan->primitive) dnnl_primitive_destroy(plan->primitive);
    if (plan->description) dnnl_primitive_desc_destroy(plan->description);
    if (plan->engine) dnnl_engine_destroy(plan->engine);
    free(plan);
}

size_t native_convolution_in_block(const native_convolution *plan) { return plan->in_block; }
size_t native_convolution_out_block(const native_convolution *plan) { return plan->out_block; }
size_t native_convolution_weights_bytes(const native_convolution *plan) {
    return dnnl_memory_desc_get_size(&plan->weights);
}
size_t native_convolution_scratch_bytes(const native_convolution *plan) {
    return dnnl_memory_desc_get_size(&plan->scratch);
}

/* Runs a primitive on buffers, one for each argument. */
static dnnl_status_t execute(dnnl_engine_t engine, dnnl_primitive_t primitive, int count, const int *names,
                             const dnnl_memory_desc_t *const *descriptions, void *const *buffers) {
    dnnl_exec_arg_t arguments[4] = {{0}};
    dnnl_stream_t stream = NULL;
    dnnl_status_t status = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    int made = 0;
    for (; status == dnnl_success && made < count; made++) {
        arguments[made].arg = names[made];
        status = dnnl_memory_create(&arguments[made].memory, descriptions[made], engine, buffers[made]);
        if (status != dnnl_success) break;
    }
    if (status == dnnl_success) status = dnnl_primitive_execute(primitive, stream, count, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    for (int i = 0; i < made; i++) dnnl_memory_destroy(arguments[i].memory);
    if (stream) dnnl_stream_destroy(stream);
    return status;
}

int native_convolution_prepare_weights(const native_convolution *plan, const float *weights, void *prepared) {
    dnnl_memory_desc_t plain;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t reorder;
    dnnl_memory_desc_init_by_tag(&plain, 4, plan->weights.dims, dnnl_f32, dnnl_oihw);
    dnnl_status_t status =
        dnnl_reorder_primitive_desc_create(&description, &plain, plan->engine, &plan->weights, plan->engine, NULL);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_create(&reorder, description);
    dnnl_primitive_desc_destroy(description);
    if (status != dnnl_success) return status;
    const int names[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
    const dnnl_memory_desc_t *const descriptions[] = {&plain, &plan->weights};
    void *const buffers[] = {(void *)weights, prepared};
    status = execute(plan->engine, reorder, 2, names, descriptions, buffers);
    dnnl_primitive_destroy(reorder);
    return status;
}

int native_convolution_run(const native_convolution *plan, const void *prepared, const float *source, float *target,
                           void *scratch) {
    const int names[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    const dnnl_memory_desc_t *const descriptions[] = {&plan->source, &plan->weights, &plan->target, &plan->scratch};
    void *const buffers[] = {(void *)source, (void *)prepared, target, scratch};
    return execute(plan->engine, plan->primitive, 4, names, descriptions, buffers);
}

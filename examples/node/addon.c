/*
 * libpixart as an addon of Node, for pixart.js.
 *
 * Calls run on libuv's pool and return promises. JavaScript's thread owns all objects: only it starts and ends calls,
 * and counts them. A call shares with the pool its cancel flag, which JavaScript sets in an Int32Array, and its last
 * report.
 */
#define NAPI_VERSION 8
#include <node_api.h>

#include <pixart.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OBJECTS = 3, MOST_TEXTS = 2 };

typedef enum { ENCODER, DENOISER, DECODER, TENSOR, NOTHING } kind;
typedef enum { OPEN_ENCODER, OPEN_DENOISER, OPEN_DECODER, ENCODE, DENOISE, DECODE, WRITE } call_verb;

/* The names of the verbs in JavaScript, and what they make. */
static const struct {
    const char *name;
    kind result;
} verbs[] = {
    [OPEN_ENCODER] = {"encoder_open", ENCODER},
    [OPEN_DENOISER] = {"denoiser_open", DENOISER},
    [OPEN_DECODER] = {"decoder_open", DECODER},
    [ENCODE] = {"encode", TENSOR},
    [DENOISE] = {"denoise", TENSOR},
    [DECODE] = {"decode", TENSOR},
    [WRITE] = {"image_write", NOTHING},
};

/* An object of the library. It is freed when it was closed or collected, and no call uses it. */
typedef struct {
    kind kind;
    void *pointer;
    int calls;
    bool closed, collected;
} object;

typedef struct {
    int64_t step, steps;
    double fraction;
} report;

typedef struct {
    call_verb verb;
    object *objects[MOST_OBJECTS];
    char *texts[MOST_TEXTS];
    uint32_t index;
    const int32_t *cancel; /* memory of `flag` */
    napi_ref flag;

    pthread_mutex_t lock;              /* of the next three */
    napi_threadsafe_function reporter; /* NULL if nobody listens */
    report last;
    bool reporting;

    int pending; /* the work, and the reporter */
    napi_async_work work;
    napi_deferred deferred;
    void *result;
    pixart_status status;
    char *message;
} call;

/* ---- On the pool ---- */

/* Keeps the last report only: a busy event loop gets fewer of them, not late ones. */
static int32_t progress(void *context, int64_t step, int64_t steps, double fraction) {
    call *c = context;
    pthread_mutex_lock(&c->lock);
    c->last = (report){step, steps, fraction};
    if (c->reporter && !c->reporting)
        c->reporting = napi_call_threadsafe_function(c->reporter, NULL, napi_tsfn_nonblocking) == napi_ok;
    pthread_mutex_unlock(&c->lock);
    return __atomic_load_n(c->cancel, __ATOMIC_RELAXED);
}

static void *pointer(const call *c, int index) { return c->objects[index] ? c->objects[index]->pointer : NULL; }

static void execute(napi_env env, void *data) {
    (void)env;
    call *c = data;
    const char *first = c->texts[0], *second = c->texts[1];
    pixart_encoder *encoder = NULL;
    pixart_denoiser *denoiser = NULL;
    pixart_decoder *decoder = NULL;
    pixart_tensor *tensor = NULL;
    switch (c->verb) {
    case OPEN_ENCODER:
        c->status = pixart_encoder_open(first, second, progress, c, &encoder), c->result = encoder;
        break;
    case OPEN_DENOISER:
        c->status = pixart_denoiser_open(first, second, progress, c, &denoiser), c->result = denoiser;
        break;
    case OPEN_DECODER:
        c->status = pixart_decoder_open(first, second, progress, c, &decoder), c->result = decoder;
        break;
    case ENCODE:
        c->status = pixart_encode(pointer(c, 0), first, second, progress, c, &tensor), c->result = tensor;
        break;
    case DENOISE:
        c->status = pixart_denoise(pointer(c, 0), pointer(c, 1), pointer(c, 2), first, progress, c, &tensor);
        c->result = tensor;
        break;
    case DECODE:
        c->status = pixart_decode(pointer(c, 0), pointer(c, 1), first, progress, c, &tensor), c->result = tensor;
        break;
    case WRITE:
        c->status = pixart_image_write(pointer(c, 0), c->index, first, second);
        break;
    }
    if (c->status != PIXART_OK)
        c->message = strdup(pixart_error_message()); /* here: it belongs to this thread */
}

/* ---- Objects, on JavaScript's thread ---- */

static void free_if_unused(object *o) {
    if (!o->closed || o->calls > 0)
        return;
    switch (o->kind) {
    case ENCODER:
        pixart_encoder_release(o->pointer);
        break;
    case DENOISER:
        pixart_denoiser_release(o->pointer);
        break;
    case DECODER:
        pixart_decoder_release(o->pointer);
        break;
    case TENSOR:
        pixart_tensor_release(o->pointer);
        break;
    case NOTHING:
        break;
    }
    o->pointer = NULL;
    if (o->collected)
        free(o);
}

static void collect(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    object *o = data;
    o->closed = o->collected = true;
    free_if_unused(o);
}

static napi_value wrap(napi_env env, kind kind, void *pointer) {
    napi_value value = NULL;
    object *o = calloc(1, sizeof *o);
    if (o) {
        o->kind = kind, o->pointer = pointer;
        napi_create_external(env, o, collect, NULL, &value);
    }
    return value;
}

/* Returns the object of an argument, or NULL and an exception. */
static object *unwrap(napi_env env, napi_value value) {
    void *data = NULL;
    napi_get_value_external(env, value, &data);
    object *o = data;
    if (!o || o->closed) {
        napi_throw_error(env, "ERR_INVALID_STATE", "the object is closed");
        return NULL;
    }
    return o;
}

/* ---- Calls, on JavaScript's thread ---- */

static void tell(napi_env env, napi_value function, void *context, void *data) {
    (void)data;
    if (!env) /* the environment has ended, and perhaps the call */
        return;
    call *c = context;
    pthread_mutex_lock(&c->lock);
    report last = c->last;
    c->reporting = false;
    pthread_mutex_unlock(&c->lock);
    napi_value undefined, arguments[3];
    napi_get_undefined(env, &undefined);
    napi_create_int64(env, last.step, &arguments[0]);
    napi_create_int64(env, last.steps, &arguments[1]);
    napi_create_double(env, last.fraction, &arguments[2]);
    napi_call_function(env, undefined, function, 3, arguments, NULL);
}

static void free_call(napi_env env, call *c) {
    for (int i = 0; i < MOST_OBJECTS; i++)
        if (c->objects[i]) {
            c->objects[i]->calls--;
            free_if_unused(c->objects[i]);
        }
    for (int i = 0; i < MOST_TEXTS; i++)
        free(c->texts[i]);
    if (c->flag)
        napi_delete_reference(env, c->flag);
    if (c->work)
        napi_delete_async_work(env, c->work);
    pthread_mutex_destroy(&c->lock);
    free(c->message);
    free(c);
}

/* Settles the promise once the work is done and the last report is delivered. */
static void settle(napi_env env, call *c) {
    if (--c->pending > 0)
        return;
    napi_value value = NULL, code, message;
    if (c->status == PIXART_OK && verbs[c->verb].result == NOTHING)
        napi_get_undefined(env, &value);
    else if (c->status == PIXART_OK)
        value = wrap(env, verbs[c->verb].result, c->result);
    if (value) {
        napi_resolve_deferred(env, c->deferred, value);
    } else {
        napi_create_string_utf8(env, pixart_status_name(c->status), NAPI_AUTO_LENGTH, &code);
        napi_create_string_utf8(env, c->message ? c->message : "out of memory", NAPI_AUTO_LENGTH, &message);
        napi_create_error(env, code, message, &value);
        napi_reject_deferred(env, c->deferred, value);
    }
    free_call(env, c);
}

static void complete(napi_env env, napi_status status, void *data) {
    (void)status;
    call *c = data;
    pthread_mutex_lock(&c->lock);
    napi_threadsafe_function reporter = c->reporter;
    pthread_mutex_unlock(&c->lock);
    if (reporter)
        napi_release_threadsafe_function(reporter, napi_tsfn_release); /* delivers what waits, then calls silenced() */
    settle(env, c);
}

/* The reporter ends, perhaps before the work does, with the environment. */
static void silenced(napi_env env, void *data, void *hint) {
    (void)hint;
    call *c = data;
    pthread_mutex_lock(&c->lock);
    c->reporter = NULL;
    pthread_mutex_unlock(&c->lock);
    settle(env, c);
}

/* Copies text, of which JavaScript has checked that it is text. */
static char *text(napi_env env, napi_value value) {
    size_t length = 0;
    napi_get_value_string_utf8(env, value, NULL, 0, &length);
    char *copy = calloc(1, length + 1);
    if (copy)
        napi_get_value_string_utf8(env, value, copy, length + 1, NULL);
    return copy;
}

/* Returns the element of an array, or NULL if there is none or it is undefined. */
static napi_value element(napi_env env, napi_value array, uint32_t index) {
    napi_value value;
    napi_valuetype type;
    bool fine = napi_get_element(env, array, index, &value) == napi_ok && napi_typeof(env, value, &type) == napi_ok;
    return fine && type != napi_undefined ? value : NULL;
}

/* Reads the arguments of start(), or leaves an exception. */
static bool read_arguments(napi_env env, const napi_value *arguments, call *c) {
    void *cancel = NULL;
    napi_value value;
    for (uint32_t i = 0; i < MOST_OBJECTS; i++)
        if ((value = element(env, arguments[0], i))) {
            if (!(c->objects[i] = unwrap(env, value)))
                return false;
            c->objects[i]->calls++;
        }
    for (uint32_t i = 0; i < MOST_TEXTS; i++)
        if ((value = element(env, arguments[1], i)) && !(c->texts[i] = text(env, value)))
            return napi_throw_error(env, NULL, "out of memory"), false;
    bool fine = napi_get_value_uint32(env, arguments[2], &c->index) == napi_ok &&
                napi_get_typedarray_info(env, arguments[3], NULL, NULL, &cancel, NULL, NULL) == napi_ok &&
                napi_create_reference(env, arguments[3], 1, &c->flag) == napi_ok;
    c->cancel = cancel;
    return fine;
}

/* VERB(objects, texts, index, cancel, report): a promise of what the verb makes. */
static napi_value start(napi_env env, napi_callback_info info) {
    size_t count = 5;
    napi_value arguments[5], name, promise = NULL;
    napi_valuetype listens = napi_undefined;
    void *verb;
    call *c = calloc(1, sizeof *c);
    if (!c)
        return napi_throw_error(env, NULL, "out of memory"), NULL;
    pthread_mutex_init(&c->lock, NULL);
    napi_get_cb_info(env, info, &count, arguments, NULL, &verb);
    c->verb = (call_verb)(uintptr_t)verb;
    napi_typeof(env, arguments[4], &listens);
    napi_create_string_utf8(env, "pixart", NAPI_AUTO_LENGTH, &name);
    if (!read_arguments(env, arguments, c) ||
        napi_create_async_work(env, NULL, name, execute, complete, c, &c->work) != napi_ok ||
        (listens == napi_function && napi_create_threadsafe_function(env, arguments[4], NULL, name, 0, 1, c, silenced,
                                                                     c, tell, &c->reporter) != napi_ok)) {
        free_call(env, c);
        return NULL;
    }
    c->pending = c->reporter ? 2 : 1;
    napi_create_promise(env, &c->deferred, &promise);
    napi_queue_async_work(env, c->work);
    return promise;
}

/* close(object): frees it, now or when the calls that use it have ended. */
static napi_value close_object(napi_env env, napi_callback_info info) {
    size_t count = 1;
    napi_value argument;
    void *data = NULL;
    napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
    if (napi_get_value_external(env, argument, &data) == napi_ok) {
        object *o = data;
        o->closed = true;
        free_if_unused(o);
    }
    return NULL;
}

/* read(tensor): [type, shape, a copy of the elements]. */
static napi_value read_tensor(napi_env env, napi_callback_info info) {
    size_t count = 1;
    napi_value argument, result, shape, value;
    napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
    object *o = unwrap(env, argument);
    if (!o)
        return NULL;
    const pixart_tensor *tensor = o->pointer;
    void *copy;
    if (napi_create_arraybuffer(env, pixart_tensor_size(tensor), &copy, &value) != napi_ok)
        return NULL;
    memcpy(copy, pixart_tensor_data(tensor), pixart_tensor_size(tensor));
    napi_create_array(env, &result);
    napi_set_element(env, result, 2, value);
    napi_create_array(env, &shape);
    napi_set_element(env, result, 1, shape);
    for (uint32_t i = 0; i < pixart_tensor_rank(tensor); i++) {
        napi_create_int64(env, pixart_tensor_shape(tensor)[i], &value);
        napi_set_element(env, shape, i, value);
    }
    napi_create_int32(env, pixart_tensor_type(tensor), &value);
    napi_set_element(env, result, 0, value);
    return result;
}

static void export(napi_env env, napi_value exports, const char *name, napi_callback function, uintptr_t data) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, (void *)data, &value);
    napi_set_named_property(env, exports, name, value);
}

NAPI_MODULE_INIT() {
    for (uintptr_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        export(env, exports, verbs[i].name, start, i);
    export(env, exports, "close", close_object, 0);
    export(env, exports, "read", read_tensor, 0);
    return exports;
}

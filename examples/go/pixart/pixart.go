// Package pixart is libpixart for Go: contexts cancel, errors carry the library's message, and Close or the garbage
// collector releases.
package pixart

// #cgo pkg-config: pixart
// #include <pixart.h>
// #include <stdlib.h>
// extern int32_t goPixartProgress(void *, int64_t, int64_t, double);
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
	"unsafe"
)

// Error is a call that failed.
type Error struct {
	Status  int32
	Message string // what was found and what was expected
}

func (e *Error) Error() string {
	return C.GoString(C.pixart_status_name(C.pixart_status(e.Status))) + ": " + e.Message
}

// ErrClosed is returned by methods of a closed object.
var ErrClosed = errors.New("pixart: the object is closed")

// Options are keys and values as in docs/options.md; nil for the defaults.
type Options map[string]any

// call makes a call of C and reads its message on the same thread: the message is the thread's, and a goroutine may
// continue on another one after any call of C.
func call(f func() C.pixart_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if status := f(); status != C.PIXART_OK {
		return &Error{int32(status), C.GoString(C.pixart_error_message())}
	}
	return nil
}

// watched makes a call with a callback, which is cancelled when the context is. It returns the context's error then.
func watched(ctx context.Context, progress func(Progress), f func(C.pixart_progress, unsafe.Pointer) C.pixart_status) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	watch := &watch{ctx: ctx, progress: progress}
	// The handle lies in C's memory while C has its address.
	handle := (*cgo.Handle)(C.malloc(C.size_t(unsafe.Sizeof(cgo.Handle(0)))))
	*handle = cgo.NewHandle(watch)
	defer func() {
		handle.Delete()
		C.free(unsafe.Pointer(handle))
	}()
	err := call(func() C.pixart_status {
		return f(C.pixart_progress(C.goPixartProgress), unsafe.Pointer(handle))
	})
	if watch.panicked != nil {
		panic(watch.panicked)
	}
	var failure *Error
	if errors.As(err, &failure) && failure.Status == C.PIXART_CANCELLED && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// text makes text for C, which ends at the first NUL.
func text(s string) (*C.char, error) {
	if index := strings.IndexByte(s, 0); index >= 0 {
		return nil, &Error{C.PIXART_ERROR_ARGUMENT, fmt.Sprintf("the text has a NUL at byte %d", index)}
	}
	return C.CString(s), nil
}

// encoded makes options for C; NULL for the defaults.
func (options Options) encoded() (*C.char, error) {
	if options == nil {
		return nil, nil
	}
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return text(string(encoded))
}

// owner owns a handle. Calls on it may run at once; Close waits for them.
type owner struct {
	mutex   sync.RWMutex
	handle  unsafe.Pointer
	release func(unsafe.Pointer)
}

func own(handle unsafe.Pointer, release func(unsafe.Pointer)) *owner {
	o := &owner{handle: handle, release: release}
	runtime.SetFinalizer(o, (*owner).Close) // for those who forget; Close frees gigabytes at once
	return o
}

// Close releases the object. More calls do nothing.
func (o *owner) Close() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.handle != nil {
		runtime.SetFinalizer(o, nil)
		o.release(o.handle)
		o.handle = nil
	}
}

// use calls f while the objects are open. It keeps them from the garbage collector as well.
func use(f func() error, objects ...*owner) error {
	for i, o := range objects {
		if contains(objects[:i], o) {
			continue // a second lock of one thread could wait for a Close that waits for the first
		}
		o.mutex.RLock()
		defer o.mutex.RUnlock()
		if o.handle == nil {
			return ErrClosed
		}
	}
	return f()
}

func contains(objects []*owner, o *owner) bool {
	for _, other := range objects {
		if other == o {
			return true
		}
	}
	return false
}

// Tensor is a dense array, immutable.
type Tensor struct{ *owner }

// Encoder is a tokenizer and a T5 text encoder.
type Encoder struct{ *owner }

// Denoiser is a PixArt transformer and a scheduler.
type Denoiser struct{ *owner }

// Decoder is the decoder of a VAE.
type Decoder struct{ *owner }

func newTensor(handle *C.pixart_tensor) *Tensor {
	return &Tensor{own(unsafe.Pointer(handle), func(p unsafe.Pointer) { C.pixart_tensor_release((*C.pixart_tensor)(p)) })}
}

func (t *Tensor) c() *C.pixart_tensor {
	if t == nil {
		return nil
	}
	return (*C.pixart_tensor)(t.handle)
}

// Shape returns the dimensions; nil after Close.
func (t *Tensor) Shape() (shape []int64) {
	_ = use(func() error {
		c := unsafe.Slice((*int64)(C.pixart_tensor_shape(t.c())), int(C.pixart_tensor_rank(t.c())))
		shape = append(shape, c...)
		return nil
	}, t.owner)
	return shape
}

// WriteImage writes one image of a batch as a PNG file.
func (t *Tensor) WriteImage(index int, path string) error {
	cPath, err := text(path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(cPath))
	return use(func() error {
		return call(func() C.pixart_status { return C.pixart_image_write(t.c(), C.size_t(index), cPath, nil) })
	}, t.owner)
}

// OpenEncoder opens the text encoder of a checkpoint.
func OpenEncoder(ctx context.Context, model string, options Options) (*Encoder, error) {
	var handle *C.pixart_encoder
	err := withText(model, options, func(cModel, cOptions *C.char) error {
		return watched(ctx, nil, func(progress C.pixart_progress, context unsafe.Pointer) C.pixart_status {
			return C.pixart_encoder_open(cModel, cOptions, progress, context, &handle)
		})
	})
	if err != nil {
		return nil, err
	}
	return &Encoder{own(unsafe.Pointer(handle), func(p unsafe.Pointer) { C.pixart_encoder_release((*C.pixart_encoder)(p)) })}, nil
}

// Encode encodes a prompt into an embedding.
func (e *Encoder) Encode(ctx context.Context, prompt string, options Options) (*Tensor, error) {
	var out *C.pixart_tensor
	err := withText(prompt, options, func(cPrompt, cOptions *C.char) error {
		return use(func() error {
			return watched(ctx, nil, func(progress C.pixart_progress, context unsafe.Pointer) C.pixart_status {
				return C.pixart_encode((*C.pixart_encoder)(e.handle), cPrompt, cOptions, progress, context, &out)
			})
		}, e.owner)
	})
	if err != nil {
		return nil, err
	}
	return newTensor(out), nil
}

// OpenDenoiser opens the transformer of a checkpoint.
func OpenDenoiser(ctx context.Context, model string, options Options) (*Denoiser, error) {
	var handle *C.pixart_denoiser
	err := withText(model, options, func(cModel, cOptions *C.char) error {
		return watched(ctx, nil, func(progress C.pixart_progress, context unsafe.Pointer) C.pixart_status {
			return C.pixart_denoiser_open(cModel, cOptions, progress, context, &handle)
		})
	})
	if err != nil {
		return nil, err
	}
	return &Denoiser{own(unsafe.Pointer(handle), func(p unsafe.Pointer) { C.pixart_denoiser_release((*C.pixart_denoiser)(p)) })}, nil
}

// Denoise runs the complete denoising loop. negative may be nil if the options switch guidance off. progress is called
// by this goroutine; nil for none.
func (d *Denoiser) Denoise(ctx context.Context, prompt, negative *Tensor, options Options, progress func(Progress)) (*Tensor, error) {
	objects := []*owner{d.owner, prompt.owner}
	if negative != nil {
		objects = append(objects, negative.owner)
	}
	var out *C.pixart_tensor
	err := withText("", options, func(_, cOptions *C.char) error {
		return use(func() error {
			return watched(ctx, progress, func(progress C.pixart_progress, context unsafe.Pointer) C.pixart_status {
				return C.pixart_denoise((*C.pixart_denoiser)(d.handle), prompt.c(), negative.c(), cOptions, progress, context, &out)
			})
		}, objects...)
	})
	if err != nil {
		return nil, err
	}
	return newTensor(out), nil
}

// OpenDecoder opens the decoder of a checkpoint.
func OpenDecoder(ctx context.Context, model string, options Options) (*Decoder, error) {
	var handle *C.pixart_decoder
	err := withText(model, options, func(cModel, cOptions *C.char) error {
		return watched(ctx, nil, func(progress C.pixart_progress, context unsafe.Pointer) C.pixart_status {
			return C.pixart_decoder_open(cModel, cOptions, progress, context, &handle)
		})
	})
	if err != nil {
		return nil, err
	}
	return &Decoder{own(unsafe.Pointer(handle), func(p unsafe.Pointer) { C.pixart_decoder_release((*C.pixart_decoder)(p)) })}, nil
}

// Decode decodes latents into images.
func (d *Decoder) Decode(ctx context.Context, latents *Tensor, options Options) (*Tensor, error) {
	var out *C.pixart_tensor
	err := withText("", options, func(_, cOptions *C.char) error {
		return use(func() error {
			return watched(ctx, nil, func(progress C.pixart_progress, context unsafe.Pointer) C.pixart_status {
				return C.pixart_decode((*C.pixart_decoder)(d.handle), latents.c(), cOptions, progress, context, &out)
			})
		}, d.owner, latents.owner)
	})
	if err != nil {
		return nil, err
	}
	return newTensor(out), nil
}

// withText lends text and options to C for a call.
func withText(s string, options Options, f func(*C.char, *C.char) error) error {
	cText, err := text(s)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(cText))
	cOptions, err := options.encoded()
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(cOptions))
	return f(cText, cOptions)
}

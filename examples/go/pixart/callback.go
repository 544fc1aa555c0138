package pixart

// #include <stdint.h>
import "C"

import (
	"context"
	"runtime/cgo"
	"unsafe"
)

// Progress says how far a call is; see pixart_progress in pixart.h.
type Progress struct {
	Step, Steps int64
	Fraction    float64
}

// watch is what a call is watched by. C gets a cgo.Handle of it: C may not keep Go pointers.
type watch struct {
	ctx      context.Context
	progress func(Progress)
	panicked any
}

// A file with an exported function may declare C functions but not define them, so it is apart from the calls.
//
//export goPixartProgress
func goPixartProgress(handle unsafe.Pointer, step, steps C.int64_t, fraction C.double) C.int32_t {
	watch := (*(*cgo.Handle)(handle)).Value().(*watch)
	if watch.panicked != nil || watch.ctx.Err() != nil {
		return 1
	}
	if watch.progress == nil {
		return 0
	}
	// A panic must not unwind C's frames. The call is cancelled, and the panic goes on after it.
	func() {
		defer func() { watch.panicked = recover() }()
		watch.progress(Progress{int64(step), int64(steps), float64(fraction)})
	}()
	if watch.panicked != nil || watch.ctx.Err() != nil {
		return 1
	}
	return 0
}

package pixart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// PIXART_MODEL names a model, from this folder.
func model(t *testing.T) string {
	t.Helper()
	name := os.Getenv("PIXART_MODEL")
	if name == "" {
		t.Fatal("PIXART_MODEL names a model")
	}
	return name
}

var background = context.Background()

func TestMessagesBelongToTheirCalls(t *testing.T) {
	var group sync.WaitGroup
	for index := 0; index < 16; index++ {
		name := fmt.Sprintf("/no/model/%d/", index)
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 200; i++ {
				_, err := OpenEncoder(background, name, nil)
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		}()
	}
	group.Wait()
}

func TestRuns(t *testing.T) {
	encoder, err := OpenEncoder(background, model(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	prompt, err := encoder.Encode(background, "a cat", nil)
	if err != nil {
		t.Fatal(err)
	}
	negative, err := encoder.Encode(background, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	denoiser, err := OpenDenoiser(background, model(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer denoiser.Close()
	options := Options{"num_inference_steps": 3}

	t.Run("a panic passes around C", func(t *testing.T) {
		defer func() {
			if panicked := recover(); panicked != "stop" {
				t.Errorf("recovered %v", panicked)
			}
		}()
		_, err := denoiser.Denoise(background, prompt, negative, options, func(Progress) { panic("stop") })
		t.Errorf("returned %v", err)
	})
	t.Run("a context cancels", func(t *testing.T) {
		ctx, cancel := context.WithCancel(background)
		_, err := denoiser.Denoise(ctx, prompt, negative, options, func(Progress) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("returned %v", err)
		}
		if _, err := OpenDecoder(ctx, model(t), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("returned %v", err)
		}
	})
	t.Run("options are checked by the library", func(t *testing.T) {
		_, err := denoiser.Denoise(background, prompt, negative, Options{"stepz": 3}, nil)
		if err == nil || !strings.Contains(err.Error(), "PIXART_ERROR_OPTION: ") || !strings.Contains(err.Error(), "stepz") {
			t.Errorf("returned %v", err)
		}
	})
	t.Run("negative may be nil", func(t *testing.T) {
		unguided := Options{"num_inference_steps": 1, "guidance_scale": 1}
		latents, err := denoiser.Denoise(background, prompt, nil, unguided, nil)
		if err != nil || len(latents.Shape()) != 4 {
			t.Error(err)
		}
	})
	t.Run("a closed object says so", func(t *testing.T) {
		negative.Close()
		negative.Close()
		if _, err := denoiser.Denoise(background, prompt, negative, options, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("returned %v", err)
		}
		if negative.Shape() != nil {
			t.Error("has a shape")
		}
	})
}

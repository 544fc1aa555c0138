// Text to image: a context cancels the run, by Ctrl-C or after a share of it.
//
//	text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"libpixart/host/pixart"
)

type arguments struct {
	model, prompt, output string
	seed                  uint64
	steps                 int
	cancelAfter           float64
}

// makeImage closes each stage before it opens the next one, so at most one network is in memory.
func makeImage(ctx context.Context, a arguments, progress func(pixart.Progress)) (*pixart.Tensor, error) {
	prompt, negative, err := encode(ctx, a)
	if err != nil {
		return nil, err
	}
	defer prompt.Close()
	defer negative.Close()
	latents, err := denoise(ctx, a, prompt, negative, progress)
	if err != nil {
		return nil, err
	}
	defer latents.Close()
	decoder, err := pixart.OpenDecoder(ctx, a.model, nil)
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	return decoder.Decode(ctx, latents, nil)
}

func encode(ctx context.Context, a arguments) (prompt, negative *pixart.Tensor, err error) {
	encoder, err := pixart.OpenEncoder(ctx, a.model, nil)
	if err != nil {
		return nil, nil, err
	}
	defer encoder.Close()
	if prompt, err = encoder.Encode(ctx, a.prompt, nil); err != nil {
		return nil, nil, err
	}
	negative, err = encoder.Encode(ctx, "", nil)
	return prompt, negative, err
}

func denoise(ctx context.Context, a arguments, prompt, negative *pixart.Tensor, progress func(pixart.Progress)) (*pixart.Tensor, error) {
	denoiser, err := pixart.OpenDenoiser(ctx, a.model, nil)
	if err != nil {
		return nil, err
	}
	defer denoiser.Close()
	options := pixart.Options{"seed": a.seed, "num_inference_steps": a.steps}
	return denoiser.Denoise(ctx, prompt, negative, options, progress)
}

// run returns whether the run was cancelled.
func run(ctx context.Context, a arguments) (bool, error) {
	start := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var cancelledAt time.Time
	images, err := makeImage(ctx, a, func(p pixart.Progress) {
		fmt.Fprintf(os.Stderr, "\rstep %d of %d, %3.0f%%", p.Step, p.Steps, p.Fraction*100)
		if p.Fraction >= a.cancelAfter && ctx.Err() == nil {
			cancelledAt = time.Now()
			cancel()
		}
	})
	result := map[string]any{
		"language": "Go", "version": strings.TrimPrefix(runtime.Version(), "go"), "cancelled": false, "cancel_seconds": nil,
	}
	if errors.Is(err, context.Canceled) {
		result["cancelled"] = true
		if !cancelledAt.IsZero() { // otherwise it was Ctrl-C
			result["cancel_seconds"] = time.Since(cancelledAt).Seconds()
		}
	} else if err != nil {
		return false, err
	} else {
		defer images.Close()
		if err := images.WriteImage(0, a.output); err != nil {
			return false, err
		}
	}
	fmt.Fprintln(os.Stderr)
	result["seconds"] = time.Since(start).Seconds()
	return result["cancelled"] == true, json.NewEncoder(os.Stdout).Encode(result)
}

func parse(words []string) (arguments, error) {
	a := arguments{}
	flags := flag.NewFlagSet("text_to_image MODEL PROMPT OUT.png", flag.ContinueOnError)
	flags.Uint64Var(&a.seed, "seed", 7, "noise of the image")
	flags.IntVar(&a.steps, "steps", 20, "denoising steps")
	flags.Float64Var(&a.cancelAfter, "cancel-after", 2, "cancels after this share of the denoising; above 1 never")
	if len(words) < 3 {
		flags.Usage()
		return a, errors.New("expected MODEL PROMPT OUT.png")
	}
	a.model, a.prompt, a.output = words[0], words[1], words[2]
	if err := flags.Parse(words[3:]); err != nil {
		return a, err
	}
	if flags.NArg() > 0 {
		return a, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return a, nil
}

func main() {
	a, err := parse(os.Args[1:])
	cancelled := false
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		cancelled, err = run(ctx, a)
		stop()
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case cancelled:
		os.Exit(2)
	}
}

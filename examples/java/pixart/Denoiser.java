package pixart;

import com.sun.jna.Pointer;
import java.util.function.Consumer;
import java.util.function.Function;

/** A PixArt transformer and a scheduler. */
public final class Denoiser extends Handle {
    private static final Consumer<Pointer> RELEASE = Native.LIBRARY::pixart_denoiser_release;

    public Denoiser(String model) throws InterruptedException {
        this(model, null, null);
    }

    /** Opens a model with options, which are JSON or null. */
    public Denoiser(String model, String options, Progress progress) throws InterruptedException {
        super(
                Calls.make(RELEASE, progress, (report, out) -> Native.LIBRARY.pixart_denoiser_open(
                        Calls.text(model), Calls.text(options), report, null, out)),
                RELEASE);
    }

    /**
     * Returns the latents of a run.
     *
     * @param negative usually the embedding of ""; may be null if there is no guidance
     */
    public Tensor denoise(Tensor prompt, Tensor negative, String options, Progress progress)
            throws InterruptedException {
        return Tensor.make(progress, (report, out) -> lend(denoiser -> lend(prompt, first -> lend(negative, second ->
                Native.LIBRARY.pixart_denoise(denoiser, first, second, Calls.text(options), report, null, out)))));
    }

    /** Lends a tensor that may be null, which the library then speaks of. */
    private static int lend(Tensor tensor, Function<Pointer, Integer> function) {
        return tensor == null ? function.apply(null) : tensor.lend(function);
    }
}

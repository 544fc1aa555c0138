package pixart;

import com.sun.jna.Pointer;
import java.util.function.Consumer;

/** The decoder of a VAE. */
public final class Decoder extends Handle {
    private static final Consumer<Pointer> RELEASE = Native.LIBRARY::pixart_decoder_release;

    public Decoder(String model) throws InterruptedException {
        this(model, null, null);
    }

    /** Opens a model with options, which are JSON or null. */
    public Decoder(String model, String options, Progress progress) throws InterruptedException {
        super(
                Calls.make(RELEASE, progress, (report, out) -> Native.LIBRARY.pixart_decoder_open(
                        Calls.text(model), Calls.text(options), report, null, out)),
                RELEASE);
    }

    /** Returns images, bytes of shape [count, height, width, 3]. */
    public Tensor decode(Tensor latents) throws InterruptedException {
        return decode(latents, null, null);
    }

    /** Returns images, bytes of shape [count, height, width, 3]. */
    public Tensor decode(Tensor latents, String options, Progress progress) throws InterruptedException {
        return Tensor.make(progress, (report, out) -> lend(decoder -> latents.lend(given ->
                Native.LIBRARY.pixart_decode(decoder, given, Calls.text(options), report, null, out))));
    }
}

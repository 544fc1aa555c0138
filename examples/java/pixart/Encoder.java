package pixart;

import com.sun.jna.Pointer;
import java.util.function.Consumer;

/** A tokenizer and a T5 text encoder. */
public final class Encoder extends Handle {
    private static final Consumer<Pointer> RELEASE = Native.LIBRARY::pixart_encoder_release;

    public Encoder(String model) throws InterruptedException {
        this(model, null, null);
    }

    /** Opens a model with options, which are JSON or null. */
    public Encoder(String model, String options, Progress progress) throws InterruptedException {
        super(
                Calls.make(RELEASE, progress, (report, out) -> Native.LIBRARY.pixart_encoder_open(
                        Calls.text(model), Calls.text(options), report, null, out)),
                RELEASE);
    }

    /** Returns the embedding of a text. */
    public Tensor encode(String text) throws InterruptedException {
        return encode(text, null, null);
    }

    /** Returns the embedding of a text. */
    public Tensor encode(String text, String options, Progress progress) throws InterruptedException {
        return Tensor.make(progress, (report, out) -> lend(encoder ->
                Native.LIBRARY.pixart_encode(encoder, Calls.text(text), Calls.text(options), report, null, out)));
    }
}

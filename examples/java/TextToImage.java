import java.nio.file.Path;
import java.util.Locale;
import pixart.Decoder;
import pixart.Denoiser;
import pixart.Encoder;
import pixart.PixartException;
import pixart.Tensor;

/**
 * Text to image in Java 17, through JNA.
 *
 * <pre>
 *     apt-get install default-jdk-headless libjna-java
 *     make install PREFIX=$HOME/.local                  # in the root of the sources
 *     export LD_LIBRARY_PATH=$HOME/.local/lib
 *     make                                              # here
 *     java -cp /usr/share/java/jna.jar:build TextToImage MODEL PROMPT OUT.png \
 *         [--seed N] [--steps N] [--cancel-after FRACTION]
 * </pre>
 *
 * Java reads its arguments in the encoding of the locale: LC_ALL=C.UTF-8 if that is not UTF-8.
 */
public final class TextToImage {
    private final long start = System.nanoTime();
    private int seed = 7;
    private int steps = 20;
    private double cancelAfter = Double.POSITIVE_INFINITY;
    private long asked;
    private long returned;

    public static void main(String[] arguments) {
        System.exit(new TextToImage().run(arguments));
    }

    private int run(String[] arguments) {
        try {
            parse(arguments);
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException wrong) {
            System.err.println("usage: text_to_image MODEL PROMPT OUT.png "
                    + "[--seed N] [--steps N] [--cancel-after FRACTION]");
            return 1;
        }
        try {
            make(arguments[0], arguments[1], Path.of(arguments[2]));
            print(false);
            return 0;
        } catch (InterruptedException cancelled) {
            print(true);
            return 2;
        } catch (PixartException error) {
            System.err.println(error.name() + ": " + error.getMessage());
            return 1;
        }
    }

    /** One stage is in memory at a time. An interrupt of the thread ends any call. */
    private void make(String model, String text, Path path) throws InterruptedException {
        Tensor prompt;
        Tensor negative;
        try (var encoder = new Encoder(model)) {
            prompt = encoder.encode(text);
            negative = encoder.encode("");
        }
        Tensor latents;
        try (prompt; negative; var denoiser = new Denoiser(model)) {
            String options = "{\"seed\": " + seed + ", \"num_inference_steps\": " + steps + "}";
            latents = denoiser.denoise(prompt, negative, options, this::show);
        } finally {
            returned = System.nanoTime();
            System.err.println();
        }
        try (latents; var decoder = new Decoder(model); var images = decoder.decode(latents)) {
            images.write(path, 0, null);
        }
    }

    private void show(long step, long steps, double fraction) {
        System.err.printf(Locale.ROOT, "\rstep %d of %d, %.0f%%", step, steps, 100 * fraction);
        if (fraction >= cancelAfter) {
            asked = System.nanoTime();
            Thread.currentThread().interrupt();
        }
    }

    private void parse(String[] arguments) {
        if (arguments.length < 3) {
            throw new IllegalArgumentException();
        }
        for (int i = 3; i < arguments.length; i += 2) {
            switch (arguments[i]) {
                case "--seed" -> seed = Integer.parseInt(arguments[i + 1]);
                case "--steps" -> steps = Integer.parseInt(arguments[i + 1]);
                case "--cancel-after" -> cancelAfter = Double.parseDouble(arguments[i + 1]);
                default -> throw new IllegalArgumentException();
            }
        }
    }

    private void print(boolean cancelled) {
        String seconds = cancelled ? String.format(Locale.ROOT, "%.4f", (returned - asked) / 1e9) : "null";
        System.out.printf(
                Locale.ROOT,
                "{\"language\": \"Java\", \"version\": \"%s\", \"seconds\": %.3f, "
                        + "\"cancelled\": %b, \"cancel_seconds\": %s}%n",
                System.getProperty("java.version"),
                (System.nanoTime() - start) / 1e9,
                cancelled,
                seconds);
    }
}

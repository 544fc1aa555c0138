import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import pixart.Denoiser;
import pixart.Encoder;
import pixart.PixartException;
import pixart.Progress;
import pixart.Tensor;

/**
 * Checks what a host in Java may do: collect garbage, close, interrupt and throw during calls, pass wrong things.
 * PIXART_MODEL names a model.
 */
public final class HostTest {
    private static final String MODEL = System.getenv("PIXART_MODEL");
    private static final String TWO = "{\"seed\": 7, \"num_inference_steps\": 2}";
    private static final String MANY = "{\"num_inference_steps\": 900}";

    private final Encoder encoder = new Encoder(MODEL);
    private final Denoiser denoiser = new Denoiser(MODEL);
    private final Tensor prompt = encoder.encode("a cute cat");
    private final Tensor negative = encoder.encode("");
    private final ByteBuffer expected = denoise(TWO, null);

    private HostTest() throws InterruptedException {}

    public static void main(String[] arguments) throws Exception {
        var test = new HostTest();
        test.collectsGarbage();
        test.runsSideBySide();
        test.stops();
        test.readsItsOwnMessages();
        test.refuses();
    }

    private ByteBuffer denoise(String options, Progress progress) throws InterruptedException {
        try (var latents = denoiser.denoise(prompt, negative, options, progress)) {
            return latents.data();
        }
    }

    /** The callback that C calls is reachable from the stack only, and so is what it captures. */
    private void collectsGarbage() throws InterruptedException {
        var reports = new AtomicInteger();
        for (int run = 0; run < 20; run++) {
            boolean same = denoise(TWO, (step, steps, fraction) -> {
                System.gc();
                reports.incrementAndGet();
            }).equals(expected);
            require("the same latents", same);
        }
        check("collections in a call", reports.get() > 40);
    }

    private void runsSideBySide() throws Exception {
        var done = new AtomicBoolean();
        var collector = new Thread(() -> {
            while (!done.get()) {
                System.gc();
            }
        });
        collector.start();
        boolean same = true;
        for (ByteBuffer result : inThreads(4, () -> {
            ByteBuffer result = null;
            for (int run = 0; run < 5; run++) {
                result = denoise(TWO, (step, steps, fraction) -> new byte[1000].clone());
            }
            return result;
        })) {
            same &= result.equals(expected);
        }
        done.set(true);
        collector.join();
        check("calls side by side under a collector", same);

        try (var other = new Denoiser(MODEL);
                var latents = other.denoise(prompt, negative, TWO, (step, steps, fraction) -> other.close())) {
            check("an object closed during a call lives to its end", latents.data().equals(expected));
        }
        // Only the Cleaner can free these.
        for (int i = 0; i < 500; i++) {
            encoder.encode("a cat");
        }
    }

    private void stops() throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        var started = new CountDownLatch(1);
        var thrown = new AtomicReference<Throwable>();
        Future<?> future = executor.submit(() -> thrown.set(thrownBy(
                () -> denoise(MANY, (step, steps, fraction) -> started.countDown()))));
        started.await();
        future.cancel(true);
        executor.shutdown();
        executor.awaitTermination(1, TimeUnit.HOURS);
        check("a cancelled future", thrown.get() instanceof InterruptedException);

        var mine = new UncheckedIOException(new IOException());
        check("an exception is passed on", thrownBy(() -> denoise(MANY, (step, steps, fraction) -> {
            throw mine;
        })) == mine);
        Thread.currentThread().interrupt();
        check("an interrupt before a call", thrownBy(() -> encoder.encode("a cat")) instanceof InterruptedException);
        check("the interrupt is taken", !Thread.interrupted());
    }

    /** Each thread reads the message of its own failure. */
    private void readsItsOwnMessages() throws Exception {
        var threads = new AtomicInteger();
        boolean right = true;
        for (boolean result : inThreads(8, () -> {
            String path = "/nowhere/" + threads.getAndIncrement();
            boolean own = true;
            for (int call = 0; call < 200; call++) {
                own &= thrownBy(() -> new Encoder(path)).getMessage().startsWith(path + ":");
            }
            return own;
        })) {
            right &= result;
        }
        check("messages of eight threads", right);
    }

    private void refuses() throws InterruptedException {
        try (var latents = denoiser.denoise(prompt, negative, TWO, null)) {
            check("shape", Arrays.equals(latents.shape(), new long[] {1, 8, 16, 16}));
        }
        var missing = (PixartException) thrownBy(() -> new Encoder("/nowhere"));
        check("a status", missing.status() == 201 && missing.name().equals("PIXART_ERROR_FILE"));
        check("an unknown option", thrownBy(() -> denoise("{\"stepz\": 1}", null)).getMessage().contains("stepz"));
        check("text with a NUL", thrownBy(() -> encoder.encode("a\0b")) instanceof IllegalArgumentException);
        check("no text", thrownBy(() -> encoder.encode(null)) instanceof PixartException);
        encoder.close();
        encoder.close();
        check("a closed object", thrownBy(() -> encoder.encode("a cat")) instanceof IllegalStateException);
    }

    private static <T> List<T> inThreads(int count, Callable<T> work) throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(count);
        try {
            var results = new ArrayList<T>();
            for (Future<T> result : executor.invokeAll(Collections.nCopies(count, work))) {
                results.add(result.get());
            }
            return results;
        } finally {
            executor.shutdown();
        }
    }

    private static Throwable thrownBy(Callable<?> call) {
        try {
            call.call();
            return null;
        } catch (Throwable thrown) {
            return thrown;
        }
    }

    private static void check(String name, boolean holds) {
        require(name, holds);
        System.out.println("ok   " + name);
    }

    private static void require(String name, boolean holds) {
        if (!holds) {
            System.out.println("FAIL " + name);
            System.exit(1);
        }
    }
}

package pixart;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** Makes calls: progress, interrupts and failures. */
final class Calls {
    private Calls() {}

    /** A function of the library that takes a callback and makes an object. */
    interface Call {
        int apply(Native.Report report, PointerByReference out);
    }

    /** Makes a long call. An interrupt of the thread cancels it. */
    static Pointer make(Consumer<Pointer> release, Progress progress, Call call) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        var thrown = new AtomicReference<Throwable>();
        Native.Report report = (context, step, steps, fraction) -> {
            try {
                if (progress != null) {
                    progress.report(step, steps, fraction);
                }
                return Thread.currentThread().isInterrupted() ? 1 : 0;
            } catch (Throwable throwable) { // must not pass through C
                thrown.set(throwable);
                return 1;
            }
        };
        var out = new PointerByReference();
        int status = call.apply(report, out);
        String message = Native.LIBRARY.pixart_error_message(); // belongs to this thread's last failure
        Reference.reachabilityFence(report); // JNA holds it weakly
        if (thrown.get() != null) {
            release.accept(out.getValue());
            rethrow(thrown.get());
        }
        if (status == Native.CANCELLED) {
            Thread.interrupted();
            throw new InterruptedException(message);
        }
        if (status != 0) {
            throw new PixartException(status, message);
        }
        return out.getValue();
    }

    static void check(int status) {
        if (status != 0) {
            throw new PixartException(status, Native.LIBRARY.pixart_error_message());
        }
    }

    /** Returns text as it is, unless C would cut it at a NUL. */
    static String text(String text) {
        if (text != null && text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("text contains a NUL");
        }
        return text;
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void rethrow(Throwable throwable) throws E {
        throw (E) throwable;
    }
}

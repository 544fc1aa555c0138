package pixart;

import com.sun.jna.Pointer;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Owns one object of the library. Use it in a try-with-resources statement; a Cleaner frees what was not closed. Calls
 * on other threads may use it while it is closed: it lives to their end.
 */
public abstract class Handle implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();
    private final Owner owner;
    private final Cleaner.Cleanable cleanable;

    Handle(Pointer pointer, Consumer<Pointer> release) {
        owner = new Owner(pointer, release);
        cleanable = CLEANER.register(this, owner);
    }

    /** Frees the object, now or when the calls that use it have returned. */
    @Override
    public final void close() {
        cleanable.clean();
    }

    /** Calls a function with the pointer, which stays valid until it returns. */
    final <T> T lend(Function<Pointer, T> function) {
        owner.retain();
        try {
            return function.apply(owner.pointer);
        } finally {
            owner.run();
        }
    }

    /** Counts who needs the object: the handle, and each call. A reference to the handle would keep it for ever. */
    private static final class Owner implements Runnable {
        private final Pointer pointer;
        private final Consumer<Pointer> release;
        private final AtomicInteger users = new AtomicInteger(1);

        Owner(Pointer pointer, Consumer<Pointer> release) {
            this.pointer = pointer;
            this.release = release;
        }

        void retain() {
            if (users.getAndUpdate(count -> count == 0 ? 0 : count + 1) == 0) {
                throw new IllegalStateException("the object is closed");
            }
        }

        @Override
        public void run() {
            if (users.decrementAndGet() == 0) {
                release.accept(pointer);
            }
        }
    }
}

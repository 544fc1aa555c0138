package pixart;

/** Sees how far a call is, on the thread that made it. What it throws cancels the call and is thrown again. */
@FunctionalInterface
public interface Progress {
    /**
     * @param step steps done so far
     * @param steps steps of the whole call
     * @param fraction share of the whole call that is done, 0 to 1
     */
    void report(long step, long steps, double fraction);
}

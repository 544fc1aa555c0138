package pixart;

/** A call that failed, with the library's message. */
public final class PixartException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int status;

    PixartException(int status, String message) {
        super(message);
        this.status = status;
    }

    /** The status, one of the numbers of pixart.h. */
    public int status() {
        return status;
    }

    /** The name of the status, such as "PIXART_ERROR_FILE". */
    public String name() {
        return Native.LIBRARY.pixart_status_name(status);
    }
}

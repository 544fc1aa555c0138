package pixart;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.function.Consumer;

/** An immutable array of the library: an embedding, latents or images. */
public final class Tensor extends Handle {
    private static final Consumer<Pointer> RELEASE = Native.LIBRARY::pixart_tensor_release;

    private Tensor(Pointer pointer) {
        super(pointer, RELEASE);
    }

    static Tensor make(Progress progress, Calls.Call call) throws InterruptedException {
        return new Tensor(Calls.make(RELEASE, progress, call));
    }

    /** Returns the dimensions. */
    public long[] shape() {
        return lend(tensor -> Native.LIBRARY
                .pixart_tensor_shape(tensor)
                .getLongArray(0, Native.LIBRARY.pixart_tensor_rank(tensor).intValue()));
    }

    /** Returns a copy of the elements: pixels, or floats, which {@link ByteBuffer#asFloatBuffer} shows. */
    public ByteBuffer data() {
        int size = lend(tensor -> Math.toIntExact(Native.LIBRARY.pixart_tensor_size(tensor).longValue()));
        byte[] bytes = lend(tensor -> Native.LIBRARY.pixart_tensor_data(tensor).getByteArray(0, size));
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    /** Writes one image of a batch as a PNG file. */
    public void write(Path path, int index, String options) {
        var place = new Native.Size(index);
        lend(tensor -> {
            Calls.check(Native.LIBRARY.pixart_image_write(tensor, place, Calls.text(path.toString()), options));
            return null;
        });
    }
}

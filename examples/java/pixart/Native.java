package pixart;

import com.sun.jna.Callback;
import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.Map;

/** The functions of pixart.h that the package uses. JNA copies text that is returned, and frees nothing. */
interface Native extends Library {
    Native LIBRARY = com.sun.jna.Native.load("libpixart.so.1", Native.class, Map.of(OPTION_STRING_ENCODING, "UTF-8"));

    int CANCELLED = 401;

    /** A size_t. */
    final class Size extends IntegerType {
        private static final long serialVersionUID = 1;

        public Size() {
            this(0);
        }

        Size(long value) {
            super(com.sun.jna.Native.SIZE_T_SIZE, value, true);
        }
    }

    /** A pixart_progress. */
    interface Report extends Callback {
        int invoke(Pointer context, long step, long steps, double fraction);
    }

    String pixart_status_name(int status);

    String pixart_error_message();

    int pixart_encoder_open(
            String model, String options, Report progress, Pointer context, PointerByReference encoder);

    int pixart_encode(
            Pointer encoder,
            String prompt,
            String options,
            Report progress,
            Pointer context,
            PointerByReference embedding);

    void pixart_encoder_release(Pointer encoder);

    int pixart_denoiser_open(
            String model, String options, Report progress, Pointer context, PointerByReference denoiser);

    int pixart_denoise(
            Pointer denoiser,
            Pointer prompt,
            Pointer negative,
            String options,
            Report progress,
            Pointer context,
            PointerByReference latents);

    void pixart_denoiser_release(Pointer denoiser);

    int pixart_decoder_open(
            String model, String options, Report progress, Pointer context, PointerByReference decoder);

    int pixart_decode(
            Pointer decoder,
            Pointer latents,
            String options,
            Report progress,
            Pointer context,
            PointerByReference images);

    void pixart_decoder_release(Pointer decoder);

    int pixart_image_write(Pointer images, Size index, String path, String options);

    Size pixart_tensor_rank(Pointer tensor);

    Pointer pixart_tensor_shape(Pointer tensor);

    Pointer pixart_tensor_data(Pointer tensor);

    Size pixart_tensor_size(Pointer tensor);

    void pixart_tensor_release(Pointer tensor);
}

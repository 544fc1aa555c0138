// The functions of pixart.h that Pixart.cs uses.
using System;
using System.Runtime.InteropServices;

namespace Pixart
{
    static class Native
    {
        const string Library = "libpixart.so.1";
        const UnmanagedType Utf8 = UnmanagedType.LPUTF8Str;

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        public delegate int Report(IntPtr context, long step, long steps, double fraction);

        // Text that the library owns: the marshaller would free a string that is returned.
        [DllImport(Library)] public static extern IntPtr pixart_status_name(Status status);
        [DllImport(Library)] public static extern IntPtr pixart_error_message();

        [DllImport(Library)]
        public static extern Status pixart_encoder_open(
            [MarshalAs(Utf8)] string model, [MarshalAs(Utf8)] string options, Report progress, IntPtr context,
            out IntPtr encoder);
        [DllImport(Library)]
        public static extern Status pixart_encode(
            Encoder encoder, [MarshalAs(Utf8)] string prompt, [MarshalAs(Utf8)] string options, Report progress,
            IntPtr context, out IntPtr embedding);
        [DllImport(Library)] public static extern void pixart_encoder_release(IntPtr encoder);

        [DllImport(Library)]
        public static extern Status pixart_denoiser_open(
            [MarshalAs(Utf8)] string model, [MarshalAs(Utf8)] string options, Report progress, IntPtr context,
            out IntPtr denoiser);
        [DllImport(Library)]
        public static extern Status pixart_denoise(
            Denoiser denoiser, Tensor prompt, Tensor negative, [MarshalAs(Utf8)] string options, Report progress,
            IntPtr context, out IntPtr latents);
        [DllImport(Library)] public static extern void pixart_denoiser_release(IntPtr denoiser);

        [DllImport(Library)]
        public static extern Status pixart_decoder_open(
            [MarshalAs(Utf8)] string model, [MarshalAs(Utf8)] string options, Report progress, IntPtr context,
            out IntPtr decoder);
        [DllImport(Library)]
        public static extern Status pixart_decode(
            Decoder decoder, Tensor latents, [MarshalAs(Utf8)] string options, Report progress, IntPtr context,
            out IntPtr images);
        [DllImport(Library)] public static extern void pixart_decoder_release(IntPtr decoder);

        [DllImport(Library)]
        public static extern Status pixart_image_write(
            Tensor images, UIntPtr index, [MarshalAs(Utf8)] string path, [MarshalAs(Utf8)] string options);
        [DllImport(Library)] public static extern UIntPtr pixart_tensor_rank(IntPtr tensor);
        [DllImport(Library)] public static extern IntPtr pixart_tensor_shape(IntPtr tensor);
        [DllImport(Library)] public static extern IntPtr pixart_tensor_data(IntPtr tensor);
        [DllImport(Library)] public static extern UIntPtr pixart_tensor_size(IntPtr tensor);
        [DllImport(Library)] public static extern void pixart_tensor_release(IntPtr tensor);

        // Returns text as it is, unless C would cut it at a NUL.
        public static string Checked(string text) =>
            text == null || text.IndexOf('\0') < 0 ? text : throw new ArgumentException("text contains a NUL");

        // Copies text of the library.
        public static string Text(IntPtr text)
        {
            var length = 0;
            while (Marshal.ReadByte(text, length) != 0)
                length++;
            var bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return System.Text.Encoding.UTF8.GetString(bytes);
        }
    }
}

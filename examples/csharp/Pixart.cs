// libpixart for C# 7.2 and later, on .NET and Mono, by P/Invoke.
//
//     using (var encoder = new Encoder("models/emoji"))
//         prompt = encoder.Encode("a cute cat");
//     var latents = denoiser.Denoise(prompt, negative, "{\"seed\": 7}", bar.Report, token);
//
// Options are JSON. A long call blocks its thread; `await Task.Run(() => denoiser.Denoise(...))` keeps a window alive.
// It calls an Action<Progress> on the thread that it blocks. What that throws cancels the call, and is thrown again
// when the call has returned. A CancellationToken cancels it with an OperationCanceledException.
using System;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Pixart
{
    /// <summary>Values of pixart.h. An unknown value of a later version is to be treated like its hundred.</summary>
    public enum Status
    {
        Ok = 0,
        ArgumentError = 101,
        OptionError = 102,
        StateError = 103,
        FileError = 201,
        FormatError = 202,
        ModelError = 203,
        MemoryError = 301,
        Cancelled = 401,
        InternalError = 901,
    }

    /// <summary>A call that failed, with the library's message.</summary>
    public sealed class PixartException : Exception
    {
        public Status Status { get; }

        /// <summary>The name of the status in C, such as "PIXART_ERROR_FILE".</summary>
        public string Name => Native.Text(Native.pixart_status_name(Status));

        internal PixartException(Status status, string message) : base(message) => Status = status;
    }

    /// <summary>How far a call is: steps done so far, and the share of the whole call, 0 to 1.</summary>
    public readonly struct Progress
    {
        public long Step { get; }
        public long Steps { get; }
        public double Fraction { get; }

        internal Progress(long step, long steps, double fraction)
        {
            Step = step;
            Steps = steps;
            Fraction = fraction;
        }
    }

    /// <summary>
    /// Owns one object of the library. Calls on other threads may use it while it is disposed: it lives to their end.
    /// </summary>
    public abstract class Handle : SafeHandleZeroOrMinusOneIsInvalid
    {
        internal delegate Status Call(Native.Report report, out IntPtr result);

        private protected Handle() : base(true) { }

        /// <summary>Makes a long call, and owns what it returns.</summary>
        private protected void Make(Action<Progress> progress, CancellationToken token, Call call)
        {
            ExceptionDispatchInfo thrown = null;
            Native.Report report = (context, step, steps, fraction) =>
            {
                try
                {
                    progress?.Invoke(new Progress(step, steps, fraction));
                    return token.IsCancellationRequested ? 1 : 0;
                }
                catch (Exception exception) // must not pass through C
                {
                    thrown = ExceptionDispatchInfo.Capture(exception);
                    return 1;
                }
            };
            token.ThrowIfCancellationRequested();
            var status = call(report, out var result);
            var message = Native.Text(Native.pixart_error_message()); // belongs to this thread's last failure
            GC.KeepAlive(report); // C does not keep it
            SetHandle(result);
            thrown?.Throw();
            if (status == Status.Cancelled)
                throw new OperationCanceledException(message, token);
            if (status != Status.Ok)
                throw new PixartException(status, message);
        }
    }

    /// <summary>An immutable array of the library: an embedding, latents or images.</summary>
    public sealed class Tensor : Handle
    {
        internal Tensor(Action<Progress> progress, CancellationToken token, Call call) => Make(progress, token, call);

        protected override bool ReleaseHandle()
        {
            Native.pixart_tensor_release(handle);
            return true;
        }

        public long[] Shape => Read(tensor =>
        {
            var shape = new long[(int)Native.pixart_tensor_rank(tensor)];
            Marshal.Copy(Native.pixart_tensor_shape(tensor), shape, 0, shape.Length);
            return shape;
        });

        /// <summary>A copy of the elements: pixels, or floats of four bytes.</summary>
        public byte[] ToBytes() => Read(tensor =>
        {
            var bytes = new byte[checked((int)Native.pixart_tensor_size(tensor))];
            Marshal.Copy(Native.pixart_tensor_data(tensor), bytes, 0, bytes.Length);
            return bytes;
        });

        /// <summary>Writes one image of a batch as a PNG file.</summary>
        public void Write(string path, int index = 0, string options = null)
        {
            var place = checked((UIntPtr)(ulong)index);
            var status = Native.pixart_image_write(this, place, Native.Checked(path), Native.Checked(options));
            if (status != Status.Ok)
                throw new PixartException(status, Native.Text(Native.pixart_error_message()));
        }

        // The elements live as long as the tensor, which another thread may dispose.
        T Read<T>(Func<IntPtr, T> read)
        {
            var added = false;
            try
            {
                DangerousAddRef(ref added);
                return read(handle);
            }
            finally
            {
                if (added)
                    DangerousRelease();
            }
        }
    }

    /// <summary>A tokenizer and a T5 text encoder.</summary>
    public sealed class Encoder : Handle
    {
        public Encoder(string model, string options = null, Action<Progress> progress = null,
                       CancellationToken token = default) =>
            Make(progress, token, (Native.Report report, out IntPtr result) => Native.pixart_encoder_open(
                Native.Checked(model), Native.Checked(options), report, IntPtr.Zero, out result));

        protected override bool ReleaseHandle()
        {
            Native.pixart_encoder_release(handle);
            return true;
        }

        /// <summary>Returns the embedding of a text.</summary>
        public Tensor Encode(string text, string options = null, Action<Progress> progress = null,
                             CancellationToken token = default) =>
            new Tensor(progress, token, (Native.Report report, out IntPtr result) => Native.pixart_encode(
                this, Native.Checked(text), Native.Checked(options), report, IntPtr.Zero, out result));
    }

    /// <summary>A PixArt transformer and a scheduler.</summary>
    public sealed class Denoiser : Handle
    {
        public Denoiser(string model, string options = null, Action<Progress> progress = null,
                        CancellationToken token = default) =>
            Make(progress, token, (Native.Report report, out IntPtr result) => Native.pixart_denoiser_open(
                Native.Checked(model), Native.Checked(options), report, IntPtr.Zero, out result));

        protected override bool ReleaseHandle()
        {
            Native.pixart_denoiser_release(handle);
            return true;
        }

        /// <summary>Returns the latents of a run.</summary>
        public Tensor Denoise(Tensor prompt, Tensor negative, string options = null, Action<Progress> progress = null,
                              CancellationToken token = default) =>
            new Tensor(progress, token, (Native.Report report, out IntPtr result) => Native.pixart_denoise(
                this, prompt, negative, Native.Checked(options), report, IntPtr.Zero, out result));
    }

    /// <summary>The decoder of a VAE.</summary>
    public sealed class Decoder : Handle
    {
        public Decoder(string model, string options = null, Action<Progress> progress = null,
                       CancellationToken token = default) =>
            Make(progress, token, (Native.Report report, out IntPtr result) => Native.pixart_decoder_open(
                Native.Checked(model), Native.Checked(options), report, IntPtr.Zero, out result));

        protected override bool ReleaseHandle()
        {
            Native.pixart_decoder_release(handle);
            return true;
        }

        /// <summary>Returns images, bytes of shape [count, height, width, 3].</summary>
        public Tensor Decode(Tensor latents, string options = null, Action<Progress> progress = null,
                             CancellationToken token = default) =>
            new Tensor(progress, token, (Native.Report report, out IntPtr result) => Native.pixart_decode(
                this, latents, Native.Checked(options), report, IntPtr.Zero, out result));
    }
}

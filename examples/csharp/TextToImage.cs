// Text to image in C#.
//
//     make install PREFIX=$HOME/.local                  # in the root of the sources
//     export LD_LIBRARY_PATH=$HOME/.local/lib
//     mcs -langversion:latest -out:text_to_image.exe TextToImage.cs Pixart.cs Native.cs
//     mono text_to_image.exe MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
//
// Ctrl-C cancels.
using System;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading;
using Pixart;

sealed class TextToImage
{
    readonly CancellationTokenSource cancel = new CancellationTokenSource();
    readonly Stopwatch watch = Stopwatch.StartNew();
    double cancelAfter = double.PositiveInfinity;
    TimeSpan? asked;
    int seed = 7;
    int steps = 20;

    static int Main(string[] arguments) => new TextToImage().Run(arguments);

    int Run(string[] arguments)
    {
        try
        {
            Parse(arguments);
        }
        catch (Exception exception) when (exception is FormatException || exception is OverflowException)
        {
            Console.Error.WriteLine("usage: text_to_image.exe MODEL PROMPT OUT.png " +
                                    "[--seed N] [--steps N] [--cancel-after FRACTION]");
            return 1;
        }
        Console.CancelKeyPress += (sender, key) =>
        {
            key.Cancel = true; // the program ends by itself
            Cancel();
        };
        try
        {
            Make(arguments[0], arguments[1], arguments[2]);
            Print(null);
            return 0;
        }
        catch (OperationCanceledException)
        {
            Print(watch.Elapsed - asked);
            return 2;
        }
        catch (PixartException error)
        {
            Console.Error.WriteLine($"{error.Name}: {error.Message}");
            return 1;
        }
    }

    // One stage is in memory at a time.
    void Make(string model, string text, string path)
    {
        var token = cancel.Token;
        Tensor prompt, negative, latents;
        using (var encoder = new Encoder(model, token: token))
        {
            prompt = encoder.Encode(text, token: token);
            negative = encoder.Encode("", token: token);
        }
        using (prompt)
        using (negative)
        using (var denoiser = new Denoiser(model, token: token))
        {
            FormattableString options = $"{{\"seed\": {seed}, \"num_inference_steps\": {steps}}}";
            latents = denoiser.Denoise(prompt, negative, FormattableString.Invariant(options), Show, token);
        }
        using (latents)
        using (var decoder = new Decoder(model, token: token))
        using (var images = decoder.Decode(latents, token: token))
            images.Write(path);
    }

    void Show(Progress progress)
    {
        Console.Error.Write($"\rstep {progress.Step} of {progress.Steps}, {100 * progress.Fraction:0}%");
        if (progress.Fraction >= cancelAfter)
            Cancel();
    }

    void Cancel()
    {
        asked = asked ?? watch.Elapsed;
        cancel.Cancel();
    }

    void Parse(string[] arguments)
    {
        if (arguments.Length % 2 == 0 || arguments.Length < 3)
            throw new FormatException();
        var invariant = CultureInfo.InvariantCulture;
        for (var i = 3; i < arguments.Length; i += 2)
            switch (arguments[i])
            {
                case "--seed": seed = int.Parse(arguments[i + 1], invariant); break;
                case "--steps": steps = int.Parse(arguments[i + 1], invariant); break;
                case "--cancel-after": cancelAfter = double.Parse(arguments[i + 1], invariant); break;
                default: throw new FormatException();
            }
    }

    void Print(TimeSpan? cancelTime)
    {
        // "Mono 6.8.0.105 (Debian ...)" or ".NET 8.0.1"
        var version = RuntimeInformation.FrameworkDescription.Split(' ')[1];
        var seconds = cancelTime?.TotalSeconds.ToString("0.0000", CultureInfo.InvariantCulture) ?? "null";
        Console.Error.WriteLine();
        Console.WriteLine(FormattableString.Invariant(
            $"{{\"language\": \"C#\", \"version\": \"{version}\", \"seconds\": {watch.Elapsed.TotalSeconds:0.000}, ") +
            $"\"cancelled\": {(cancelTime.HasValue ? "true" : "false")}, \"cancel_seconds\": {seconds}}}");
    }
}

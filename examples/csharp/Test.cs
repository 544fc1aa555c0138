// Checks what a host in C# may do: collect garbage, dispose and throw during calls, pass wrong things. PIXART_MODEL
// names a model.
using System;
using System.Linq;
using System.Threading;
using Pixart;

static class Test
{
    static int Main()
    {
        var model = Environment.GetEnvironmentVariable("PIXART_MODEL");
        var encoder = new Encoder(model);
        var denoiser = new Denoiser(model);
        var prompt = encoder.Encode("a cute cat");
        var negative = encoder.Encode("");
        const string two = "{\"seed\": 7, \"num_inference_steps\": 2}", many = "{\"num_inference_steps\": 900}";
        var latents = denoiser.Denoise(prompt, negative, two);
        var expected = latents.ToBytes();
        Check("shape", latents.Shape.SequenceEqual(new long[] { 1, 8, 16, 16 }) && expected.Length == 4 * 8 * 16 * 16);

        // The delegate that C calls is reachable from the stack only, and so is what it captures.
        var reports = 0;
        var same = Enumerable.Range(0, 20).All(_ => denoiser.Denoise(prompt, negative, two, progress =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Interlocked.Increment(ref reports);
        }).ToBytes().SequenceEqual(expected));
        Check("collections in a call", same && reports > 40);

        var done = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
                GC.Collect();
        });
        collector.Start();
        var results = new byte[4][];
        var runs = Enumerable.Range(0, results.Length).Select(index => new Thread(() =>
        {
            for (var run = 0; run < 5; run++)
                results[index] = denoiser.Denoise(prompt, negative, two, progress => new byte[1000].Clone()).ToBytes();
        })).ToList();
        runs.ForEach(run => run.Start());
        runs.ForEach(run => run.Join());
        Volatile.Write(ref done, true);
        collector.Join();
        Check("calls side by side under a collector", results.All(result => result.SequenceEqual(expected)));

        using (var other = new Denoiser(model))
            Check("an object disposed during a call lives to its end",
                  other.Denoise(prompt, negative, two, progress => other.Dispose()).ToBytes().SequenceEqual(expected));

        using (var source = new CancellationTokenSource())
        {
            var stopped = Thrown<OperationCanceledException>(
                () => denoiser.Denoise(prompt, negative, many, progress => source.Cancel(), source.Token));
            Check("a token cancels", stopped.CancellationToken == source.Token);
            Check("a cancelled token", Thrown<OperationCanceledException>(
                () => encoder.Encode("a cat", token: source.Token)) != null);
        }
        Check("an exception is passed on", Thrown<TimeZoneNotFoundException>(
            () => denoiser.Denoise(prompt, negative, many, progress => throw new TimeZoneNotFoundException())) != null);

        // Each thread reads the message of its own failure.
        var wrong = 0;
        var failing = Enumerable.Range(0, 8).Select(index => new Thread(() =>
        {
            var path = $"/nowhere/{index}";
            for (var call = 0; call < 200; call++)
                if (!Thrown<PixartException>(() => new Encoder(path)).Message.StartsWith(path + ":"))
                    Interlocked.Increment(ref wrong);
        })).ToList();
        failing.ForEach(thread => thread.Start());
        failing.ForEach(thread => thread.Join());
        Check("messages of eight threads", wrong == 0);

        var failure = Thrown<PixartException>(() => new Encoder("/nowhere"));
        Check("a status", failure.Status == Status.FileError && failure.Name == "PIXART_ERROR_FILE");
        Check("an unknown option", Thrown<PixartException>(
            () => denoiser.Denoise(prompt, negative, "{\"stepz\": 1}")).Message.Contains("stepz"));
        Check("text with a NUL", Thrown<ArgumentException>(() => encoder.Encode("a\0b")) != null);
        Check("no text", Thrown<PixartException>(() => encoder.Encode(null)).Status == Status.ArgumentError);
        encoder.Dispose();
        encoder.Dispose();
        Check("a disposed object", Thrown<ObjectDisposedException>(() => encoder.Encode("a cat")) != null);
        return 0;
    }

    static void Check(string name, bool holds)
    {
        Console.WriteLine((holds ? "ok   " : "FAIL ") + name);
        if (!holds)
            Environment.Exit(1);
    }

    static T Thrown<T>(Action call) where T : Exception
    {
        try
        {
            call();
            return null;
        }
        catch (T thrown)
        {
            return thrown;
        }
    }
}

<?php

/** Checks what a host in PHP may do: throw in a closure, nest calls, pass wrong things. PIXART_MODEL names a model. */

declare(strict_types=1);

require __DIR__ . "/pixart.php";

use Pixart\{CancelledException, Denoiser, Encoder, PixartException};

function check(string $name, bool $holds): void
{
    echo $holds ? "ok   " : "FAIL ", $name, "\n";
    $holds || exit(1);
}

function thrown(callable $call): ?Throwable
{
    try {
        $call();
        return null;
    } catch (Throwable $thrown) {
        return $thrown;
    }
}

$model = getenv("PIXART_MODEL");
[$encoder, $denoiser] = [new Encoder($model), new Denoiser($model)];
[$prompt, $negative] = [$encoder->encode("a cute cat"), $encoder->encode("")];
$denoise = fn(int $steps, ?callable $progress = null) =>
    $denoiser->denoise($prompt, $negative, ["seed" => 7, "num_inference_steps" => $steps], $progress);

$latents = $denoise(2);
check("shape", $latents->shape() === [1, 8, 16, 16] && strlen($latents->data()) === 4 * 8 * 16 * 16);
check("false cancels", thrown(fn() => $denoise(900, fn() => false)) instanceof CancelledException);
$mine = new LogicException("mine");
check("an exception is passed on", thrown(fn() => $denoise(900, fn() => throw $mine)) === $mine);
$last = fn(int $step, int $steps) => $step < $steps ?: throw $mine;
check("an exception after the last step", thrown(fn() => $denoise(2, $last)) === $mine);

$inner = 0;
$nest = function () use ($encoder, &$inner): void {
    $encoder->encode("a cat", [], function () use (&$inner): void { $inner++; });
    gc_collect_cycles();
};
check("closures may nest", $denoise(2, $nest)->data() === $latents->data() && $inner > 0);
$nest = fn() => $denoise(900, fn() => throw $mine);
check("an exception in a nested call", thrown(fn() => $denoise(900, $nest)) === $mine);

pcntl_async_signals(true);
pcntl_signal(SIGUSR1, fn() => throw $mine);
check("a signal handler that throws", thrown(fn() => $denoise(900, fn() => posix_kill(getmypid(), SIGUSR1))) === $mine);
pcntl_signal(SIGALRM, fn() => throw $mine);
pcntl_alarm(1);
check("an alarm", thrown(fn() => $denoise(900)) === $mine && pcntl_async_signals());

foreach (range(1, 300) as $_) {
    $encoder->encode("a cat", [], fn() => true);
}
$used = memory_get_usage();
foreach (range(1, 300) as $_) {
    $encoder->encode("a cat", [], fn() => true);
}
check("calls leave nothing behind", memory_get_usage() === $used);
$wrong = thrown(fn() => $denoiser->denoise($prompt, $negative, ["stepz" => 1]));
check("an unknown option", $wrong instanceof PixartException && str_contains($wrong->getMessage(), "stepz"));
check("the name of a status", thrown(fn() => new Encoder("/nowhere"))->getName() === "PIXART_ERROR_FILE");
check("text with a NUL", thrown(fn() => $encoder->encode("a\0b")) instanceof ValueError);
check("a number for text", thrown(fn() => $encoder->encode(7)) instanceof TypeError);
check("a clone", thrown(fn() => clone $latents) instanceof Error);

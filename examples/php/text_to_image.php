<?php

/**
 * Text to image in PHP.
 *
 *     make install PREFIX=$HOME/.local                  # in the root of the sources
 *     export PKG_CONFIG_PATH=$HOME/.local/lib/pkgconfig LD_LIBRARY_PATH=$HOME/.local/lib
 *     php text_to_image.php MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
 */

declare(strict_types=1);

require __DIR__ . "/pixart.php";

function fail(string $message): never
{
    fwrite(STDERR, "$message\n");
    exit(1);
}

/** Returns seconds of a clock that never jumps. */
function now(): float
{
    return hrtime(true) / 1e9;
}

[, $model, $text, $path] = array_pad($argv, 4, null);
$given = ["--seed" => 7, "--steps" => 20, "--cancel-after" => INF];
foreach (array_chunk(array_slice($argv, 4), 2) as $pair) {
    if (count($pair) < 2 || !isset($given[$pair[0]]) || !is_numeric($pair[1])) {
        $path = null;
    } else {
        $given[$pair[0]] = $pair[1] + 0; // int or float
    }
}
if ($path === null) {
    fail("usage: text_to_image.php MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]");
}

$asked = $latents = null;
$show = function (int $step, int $steps, float $fraction) use ($given, &$asked): bool {
    fprintf(STDERR, "\rstep %d of %d, %.0f%%", $step, $steps, $fraction * 100);
    $asked ??= $fraction >= $given["--cancel-after"] ? now() : null;
    return $asked === null; // false cancels
};

try {
    $start = now();
    $encoder = new Pixart\Encoder($model);
    [$prompt, $negative] = [$encoder->encode($text), $encoder->encode("")];
    unset($encoder); // frees it

    $denoiser = new Pixart\Denoiser($model);
    $options = ["seed" => $given["--seed"], "num_inference_steps" => $given["--steps"]];
    try {
        $latents = $denoiser->denoise($prompt, $negative, $options, $show);
    } catch (Pixart\CancelledException) {
    }
    $returned = now();
    fwrite(STDERR, "\n");
    unset($denoiser);

    if ($latents) {
        (new Pixart\Decoder($model))->decode($latents)->write($path);
    }
} catch (Pixart\PixartException $error) {
    fail("{$error->getName()}: {$error->getMessage()}");
}
echo json_encode([
    "language" => "PHP",
    "version" => PHP_VERSION,
    "seconds" => round(now() - $start, 3),
    "cancelled" => !$latents,
    "cancel_seconds" => $latents ? null : round($returned - $asked, 4),
]), "\n";
exit($latents ? 0 : 2);

<?php

/**
 * libpixart in PHP 8.1 and later, through the extension FFI. The declarations are pixart.h itself, which pkg-config
 * finds.
 *
 *     $encoder = new Pixart\Encoder("models/emoji");
 *     [$prompt, $negative] = [$encoder->encode("a cute cat"), $encoder->encode("")];
 *     unset($encoder);                                    // frees it now
 *     $latents = $denoiser->denoise($prompt, $negative, ["seed" => 7], fn($step, $steps, $share) => $share < 0.5);
 *
 * Long calls take a closure that sees their progress. It cancels the call by returning false, or by an exception, which
 * is thrown again once the call has returned.
 */

declare(strict_types=1);

namespace Pixart;

use FFI;

/** A call that failed. The code is the status, getName() its name, such as "PIXART_ERROR_FILE". */
class PixartException extends \RuntimeException
{
    public function getName(): string
    {
        return C::library()->pixart_status_name($this->getCode());
    }
}

/** A call that its closure cancelled by returning false. */
final class CancelledException extends PixartException
{
}

/** The functions of the library. @internal */
final class C
{
    private const CANCELLED = 401;
    private static ?FFI $library = null;
    private static ?FFI\CData $callback = null;
    /** The closure of the running call, and what it threw. */
    private static ?\Closure $progress = null;
    private static ?\Throwable $thrown = null;

    public static function library(): FFI
    {
        return self::$library ??= FFI::cdef(self::header(), "libpixart.so.1");
    }

    /** The header without what only a preprocessor understands. */
    private static function header(): string
    {
        $folder = trim((string) shell_exec("pkg-config --variable=includedir pixart")) ?: "/usr/include";
        $text = file_get_contents("$folder/pixart.h") ?: throw new \RuntimeException("no pixart.h in $folder");
        $unknown = ['~/\*.*?\*/~s', '~\\\\\n~', '~^#ifdef __cplusplus.*?^#endif~sm', '~^#.*~m', '~\bPIXART_API\b~'];
        return preg_replace($unknown, "", $text);
    }

    /** Returns text for C, which would cut it at a NUL. */
    public static function text(string $text): string
    {
        return str_contains($text, "\0") ? throw new \ValueError("text contains a NUL") : $text;
    }

    public static function options(array $options): string
    {
        return json_encode((object) $options, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
    }

    public static function check(int $status): void
    {
        if ($status !== 0) {
            $message = self::library()->pixart_error_message();
            $class = $status === self::CANCELLED ? CancelledException::class : PixartException::class;
            throw new $class($message, $status);
        }
    }

    /**
     * Makes an object by a long call.
     *
     * @param callable(FFI\CData, FFI\CData): int $call takes the callback and the place of the result
     */
    public static function make(string $type, ?callable $progress, callable $call): FFI\CData
    {
        // PHP frees callbacks only when it ends, so all calls share one. A closure may make calls of its own. Signal
        // handlers run only where they may throw.
        self::$callback ??= self::callback();
        $outer = [self::$progress, self::$thrown];
        $signals = function_exists("pcntl_async_signals") && pcntl_async_signals(false);
        $report = fn(int $step, int $steps, float $fraction): bool =>
            (!$signals || pcntl_signal_dispatch()) && (!$progress || $progress($step, $steps, $fraction) !== false);
        [self::$progress, self::$thrown] = [$report, null];
        $out = self::library()->new("pixart_$type *");
        try {
            $status = $call(self::$callback[0], FFI::addr($out));
            $thrown = self::$thrown;
        } finally {
            [self::$progress, self::$thrown] = $outer;
            $signals && pcntl_async_signals(true);
        }
        if ($thrown) {
            self::library()->{"pixart_{$type}_release"}($out);
            throw $thrown;
        }
        self::check($status);
        return $out;
    }

    private static function callback(): FFI\CData
    {
        $callback = self::library()->new("pixart_progress[1]");
        $callback[0] = function (?FFI\CData $context, int $step, int $steps, float $fraction): int {
            try {
                return self::$thrown || !(self::$progress)($step, $steps, $fraction) ? 1 : 0;
            } catch (\Throwable $thrown) { // nothing may be thrown through C
                self::$thrown = $thrown;
                return 1;
            }
        };
        return $callback;
    }
}

/** Owns one object of the library, and frees it with the last reference. */
abstract class Handle
{
    protected const TYPE = "";

    protected function __construct(protected readonly FFI\CData $pointer)
    {
    }

    public function __destruct()
    {
        // Not set if the constructor threw.
        isset($this->pointer) && C::library()->{"pixart_" . static::TYPE . "_release"}($this->pointer);
    }

    private function __clone()
    {
    }
}

/** An immutable array of the library: an embedding, latents or images. */
final class Tensor extends Handle
{
    protected const TYPE = "tensor";

    /** @internal */
    public static function made(?callable $progress, callable $call): self
    {
        return new self(C::make("tensor", $progress, $call));
    }

    /** @return list<int> */
    public function shape(): array
    {
        $shape = C::library()->pixart_tensor_shape($this->pointer);
        $rank = C::library()->pixart_tensor_rank($this->pointer);
        return array_map(fn(int $index): int => $shape[$index], $rank ? range(0, $rank - 1) : []);
    }

    /** A copy of the elements as bytes: unpack("g*", $data) gives the floats of latents. */
    public function data(): string
    {
        $data = C::library()->pixart_tensor_data($this->pointer);
        return FFI::string(FFI::cast("char *", $data), C::library()->pixart_tensor_size($this->pointer));
    }

    /** Writes one image of a batch as a PNG file. */
    public function write(string $path, int $index = 0, array $options = []): void
    {
        $options = C::options($options);
        C::check(C::library()->pixart_image_write($this->pointer, $index, C::text($path), $options));
    }
}

/** What the three stages share. */
abstract class Stage extends Handle
{
    public function __construct(string $model, array $options = [], ?callable $progress = null)
    {
        $open = "pixart_" . static::TYPE . "_open";
        [$model, $options] = [C::text($model), C::options($options)];
        $opened = fn($callback, $out) => C::library()->$open($model, $options, $callback, null, $out);
        parent::__construct(C::make(static::TYPE, $progress, $opened));
    }
}

final class Encoder extends Stage
{
    protected const TYPE = "encoder";

    /** Returns the embedding of a text. */
    public function encode(string $text, array $options = [], ?callable $progress = null): Tensor
    {
        [$text, $options] = [C::text($text), C::options($options)];
        return Tensor::made($progress, fn($callback, $out) =>
            C::library()->pixart_encode($this->pointer, $text, $options, $callback, null, $out));
    }
}

final class Denoiser extends Stage
{
    protected const TYPE = "denoiser";

    /** Returns the latents of a run. $negative may be null if there is no guidance. */
    public function denoise(Tensor $prompt, ?Tensor $negative, array $options = [], ?callable $progress = null): Tensor
    {
        [$pointers, $options] = [[$this->pointer, $prompt->pointer, $negative?->pointer], C::options($options)];
        return Tensor::made($progress, fn($callback, $out) =>
            C::library()->pixart_denoise(...$pointers, ...[$options, $callback, null, $out]));
    }
}

final class Decoder extends Stage
{
    protected const TYPE = "decoder";

    /** Returns images, bytes of shape [count, height, width, 3]. */
    public function decode(Tensor $latents, array $options = [], ?callable $progress = null): Tensor
    {
        $options = C::options($options);
        return Tensor::made($progress, fn($callback, $out) =>
            C::library()->pixart_decode($this->pointer, $latents->pointer, $options, $callback, null, $out));
    }
}

// Text to image in C++17: owners, exceptions, and Ctrl-C that ends the run within a fraction of a step.
//
//     text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]

#include <pixart.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Arguments {
    std::string model, prompt, output;
    std::int64_t seed = 7, steps = 20;
    std::optional<double> cancel_after;
};

// Reads the whole text as a number.
template <class Number> Number number(const std::string &text) {
    Number value{};
    const char *end = text.data() + text.size();
    if (const auto result = std::from_chars(text.data(), end, value); result.ec != std::errc() || result.ptr != end)
        throw std::invalid_argument("\"" + text + "\" is no number");
    return value;
}

Arguments parse(const std::vector<std::string> &words) {
    Arguments arguments;
    if (words.size() < 3 || words.size() % 2 == 0)
        throw std::invalid_argument(
            "usage: text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]");
    arguments.model = words[0];
    arguments.prompt = words[1];
    arguments.output = words[2];
    for (std::size_t i = 3; i < words.size(); i += 2) {
        if (words[i] == "--seed")
            arguments.seed = number<std::int64_t>(words[i + 1]);
        else if (words[i] == "--steps")
            arguments.steps = number<std::int64_t>(words[i + 1]);
        else if (words[i] == "--cancel-after")
            arguments.cancel_after = number<double>(words[i + 1]);
        else
            throw std::invalid_argument("unknown option " + words[i]);
    }
    return arguments;
}

// A handler may do little more than set a lock-free flag, which the callback of progress reads.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);
extern "C" void interrupt(int) { interrupted = true; }

// Makes the image, or throws pixart::Cancelled. Each stage is destroyed before the next one opens.
pixart::Tensor make_image(const Arguments &arguments, std::optional<Clock::time_point> &cancelled_at) {
    const pixart::Callback go_on = [&](const pixart::Progress &) {
        if (interrupted && !cancelled_at)
            cancelled_at = Clock::now();
        return !interrupted;
    };
    pixart::Tensor prompt, negative, latents;
    {
        const pixart::Encoder encoder(arguments.model, nullptr, go_on);
        prompt = encoder.encode(arguments.prompt, nullptr, go_on);
        negative = encoder.encode("", nullptr, go_on);
    }
    {
        const pixart::Denoiser denoiser(arguments.model, nullptr, go_on);
        const auto options = pixart::Options().set("seed", arguments.seed).set("num_inference_steps", arguments.steps);
        latents = denoiser.denoise(prompt, negative, options, [&](const pixart::Progress &now) {
            std::fprintf(stderr, "\rstep %lld of %lld, %3.0f%%", static_cast<long long>(now.step),
                         static_cast<long long>(now.steps), now.fraction * 100);
            if (arguments.cancel_after && now.fraction >= *arguments.cancel_after)
                std::raise(SIGINT); // as a person would by Ctrl-C
            return go_on(now);
        });
        std::fputc('\n', stderr);
    }
    return pixart::Decoder(arguments.model, nullptr, go_on).decode(latents, nullptr, go_on);
}

int run(const Arguments &arguments) {
    const auto start = Clock::now();
    std::optional<Clock::time_point> cancelled_at;
    std::optional<double> cancel_seconds;
    try {
        pixart::image_write(make_image(arguments, cancelled_at), 0, arguments.output);
    } catch (const pixart::Cancelled &) {
        cancel_seconds = seconds_since(cancelled_at.value());
        std::fputc('\n', stderr);
    }
#ifdef __clang__
    const auto version = std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#else
    const auto version = std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#endif
    auto line = pixart::Options() // any JSON object can be written so
                    .set("language", "C++")
                    .set("version", version)
                    .set("seconds", seconds_since(start))
                    .set("cancelled", cancel_seconds.has_value());
    cancel_seconds ? line.set("cancel_seconds", *cancel_seconds) : line.set("cancel_seconds", nullptr);
    std::cout << line.json() << '\n';
    return cancel_seconds ? 2 : 0;
}

} // namespace

int main(int argc, char **argv) {
    std::signal(SIGINT, interrupt);
    try {
        return run(parse({argv + 1, argv + argc}));
    } catch (const pixart::Error &error) {
        std::cerr << pixart::status_name(error.status()) << ": " << error.what() << '\n';
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
    }
    return 1;
}

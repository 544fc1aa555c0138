/* Threads in pixart.hpp: open stages are shared, and each thread gets its own errors and exceptions. */
#include "cpp_check.hpp"

#include <atomic>
#include <thread>

namespace {

constexpr std::size_t THREADS = 4;

/** Runs the work on all threads at once. What a thread throws is counted. */
template <class Work> int failures_of(Work work) {
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < THREADS; index++)
        threads.emplace_back([&, index] {
            try {
                failures += work(index) ? 0 : 1;
            } catch (...) {
                failures++;
            }
        });
    for (auto &thread : threads)
        thread.join();
    return failures;
}

bool same(const pixart::Tensor &a, const pixart::Tensor &b) {
    return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

void stages_are_shared() {
    const pixart::Encoder encoder(check_model());
    const pixart::Denoiser denoiser(check_model());
    const Embeddings both(encoder);
    const auto expected = denoiser.denoise(both.prompt, both.negative, SHORT);
    CHECK_EQUAL(failures_of([&](std::size_t) {
                    const Embeddings own(encoder);
                    return same(own.prompt, both.prompt) &&
                           same(denoiser.denoise(own.prompt, own.negative, SHORT), expected);
                }),
                0);
}

void errors_belong_to_their_threads() {
    CHECK_EQUAL(failures_of([](std::size_t index) {
                    const std::string name = "/no/model/" + std::to_string(index) + "/";
                    for (int i = 0; i < 200; i++) {
                        try {
                            (void)pixart::Encoder(name);
                            return false;
                        } catch (const pixart::Error &error) {
                            if (!std::strstr(error.what(), name.c_str()))
                                return false;
                        }
                    }
                    return true;
                }),
                0);
}

void exceptions_belong_to_their_calls() {
    const pixart::Encoder encoder(check_model());
    const pixart::Denoiser denoiser(check_model());
    const Embeddings both(encoder);
    CHECK_EQUAL(failures_of([&](std::size_t index) {
                    try {
                        (void)denoiser.denoise(both.prompt, both.negative, SHORT,
                                               [index](const pixart::Progress &) -> bool { throw index; });
                    } catch (std::size_t thrown) {
                        return thrown == index;
                    }
                    return false;
                }),
                0);
}

void another_thread_cancels() {
    const pixart::Encoder encoder(check_model());
    const pixart::Denoiser denoiser(check_model());
    const Embeddings both(encoder);
    std::atomic<bool> started{false}, stop{false};
    std::thread other([&] {
        while (!started)
            std::this_thread::yield();
        stop = true;
    });
    CHECK_THROWS((void)denoiser.denoise(both.prompt, both.negative, R"({"num_inference_steps": 500})",
                                        [&](const pixart::Progress &) {
                                            started = true;
                                            return !stop;
                                        }),
                 PIXART_CANCELLED, "");
    started = true; // also if the call failed before its callback
    other.join();
}

const check_test tests[] = {
    {"open stages are shared", guarded<stages_are_shared>},
    {"errors belong to their threads", guarded<errors_belong_to_their_threads>},
    {"exceptions belong to their calls", guarded<exceptions_belong_to_their_calls>},
    {"another thread cancels", guarded<another_thread_cancels>},
};

} // namespace

CHECK_MAIN(tests)

/* Failures in pixart.hpp: statuses become exceptions, and exceptions of callbacks reach the caller without passing
 * through C. */
#include "cpp_check.hpp"

namespace {

/** What the callbacks of these tests throw. It is no std::exception, so that nothing but the library's caller knows it.
 */
struct Surprise {
    int number;
};

int alive = 0; // captured objects that were not destroyed

struct Counted {
    Counted() { alive++; }
    Counted(const Counted &) { alive++; }
    Counted &operator=(const Counted &) = default;
    ~Counted() { alive--; }
};

/** Calls with a callback that throws in its third call, which must be its last, and then with one that cancels. */
template <class Call> void interrupt(const char *what, Call call) {
    check_context("%s", what);
    int calls = 0;
    bool caught = false;
    try {
        const Counted captured;
        call(pixart::Callback([&calls, captured](const pixart::Progress &) -> bool {
            if (++calls == 3)
                throw Surprise{42};
            return true;
        }));
    } catch (const Surprise &surprise) {
        caught = surprise.number == 42;
    }
    CHECK(caught);
    CHECK_EQUAL(calls, 3);
    CHECK_EQUAL(alive, 0);
    caught = false;
    try {
        call([](const pixart::Progress &) { return false; });
    } catch (const pixart::Cancelled &cancelled) {
        caught = cancelled.status() == PIXART_CANCELLED;
    }
    CHECK(caught);
    check_context(nullptr);
}

void callbacks_interrupt_every_long_call() {
    const char *model = check_model();
    const pixart::Encoder encoder(model);
    const pixart::Denoiser denoiser(model);
    const pixart::Decoder decoder(model);
    const pixart::ImageEncoder image_encoder(model);
    const Embeddings both(encoder);
    const auto latents = denoiser.denoise(both.prompt, both.negative, SHORT);
    const auto images = decoder.decode(latents);
    const Folder folder;
    write_edge_detector((folder / "edges.pth").c_str());
    using pixart::Callback;
    interrupt("Encoder", [&](const Callback &each) { (void)pixart::Encoder(model, nullptr, each); });
    interrupt("Denoiser", [&](const Callback &each) { (void)pixart::Denoiser(model, nullptr, each); });
    interrupt("Decoder", [&](const Callback &each) { (void)pixart::Decoder(model, nullptr, each); });
    interrupt("ImageEncoder", [&](const Callback &each) { (void)pixart::ImageEncoder(model, nullptr, each); });
    interrupt("encode", [&](const Callback &each) { (void)encoder.encode(PROMPT, nullptr, each); });
    interrupt("denoise",
              [&](const Callback &each) { (void)denoiser.denoise(both.prompt, both.negative, SHORT, each); });
    interrupt("decode", [&](const Callback &each) { (void)decoder.decode(latents, nullptr, each); });
    interrupt("image_encode", [&](const Callback &each) { (void)image_encoder.encode(images, nullptr, each); });
    interrupt("image_edges",
              [&](const Callback &each) { (void)pixart::image_edges(images, folder / "edges.pth", nullptr, each); });
    interrupt("convert", [&](const Callback &each) { pixart::convert(model, folder / "int8", nullptr, each); });
    CHECK(!std::filesystem::exists(folder / "int8"));

    pixart::Sampler sampler(denoiser, both.prompt, both.negative, SHORT);
    interrupt("step", [&](const Callback &each) { sampler.step(each); });
    CHECK_EQUAL(sampler.step_index(), 0);
    while (sampler.step_index() < sampler.steps())
        sampler.step();
    CHECK_SAME(sampler.latents().get(), latents.get());
}

void callbacks_see_the_whole_call() {
    const pixart::Encoder encoder(check_model());
    const pixart::Denoiser denoiser(check_model());
    const Embeddings both(encoder);
    pixart::Progress last{};
    bool rises = true;
    const auto latents = denoiser.denoise(both.prompt, both.negative, SHORT, [&](const pixart::Progress &now) {
        rises = rises && now.fraction >= last.fraction && now.step >= last.step;
        last = now;
        return true;
    });
    CHECK(rises && last.step == STEPS && last.steps == STEPS && last.fraction == 1);
}

void statuses_become_errors() {
    const pixart::Encoder encoder(check_model());
    CHECK_THROWS((void)pixart::Encoder("/no/such/model"), PIXART_ERROR_FILE, "/no/such/model");
    CHECK_THROWS((void)encoder.encode(PROMPT, R"({"clean": true})"), PIXART_ERROR_OPTION, "\"clean\"");
    CHECK_THROWS((void)encoder.encode("\xff"), PIXART_ERROR_ARGUMENT, "UTF-8");
    CHECK_THROWS((void)encoder.encode(nullptr), PIXART_ERROR_ARGUMENT, "prompt is NULL");
    CHECK_THROWS((void)encoder.encode(std::string("a\0b", 3)), PIXART_ERROR_ARGUMENT, "a NUL at byte 1");
    CHECK_THROWS((void)pixart::image_read(std::filesystem::path("/no/such.png")), PIXART_ERROR_FILE, "/no/such.png");
    CHECK_THROWS((void)pixart::inspect("/no/such/model"), PIXART_ERROR_FILE, "/no/such/model");
    // The message is the exception's own: a later failure does not change it.
    try {
        (void)pixart::Encoder("/first");
    } catch (const pixart::Error &first) {
        CHECK_THROWS((void)pixart::Encoder("/second"), PIXART_ERROR_FILE, "/second");
        CHECK(std::strstr(first.what(), "/first") != nullptr);
    }
}

void text_keeps_its_length() {
    const pixart::Encoder encoder(check_model());
    const std::string longer = PROMPT ", and more";
    const auto part = encoder.encode(std::string_view(longer).substr(0, std::strlen(PROMPT)));
    CHECK_SAME(part.get(), encoder.encode(PROMPT).get());
    CHECK_SAME(part.get(), encoder.encode(std::string(PROMPT)).get());
}

const check_test tests[] = {
    {"callbacks interrupt every long call", guarded<callbacks_interrupt_every_long_call>},
    {"callbacks see the whole call", guarded<callbacks_see_the_whole_call>},
    {"statuses become errors", guarded<statuses_become_errors>},
    {"text keeps its length", guarded<text_keeps_its_length>},
};

} // namespace

CHECK_MAIN(tests)

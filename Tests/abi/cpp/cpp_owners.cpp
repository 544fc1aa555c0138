/* Every owner and function of pixart.hpp: what it makes equals what the C functions make. */
#include "cpp_check.hpp"

#include <numeric>
#if __cplusplus >= 202002L
#include <span>
#endif

using pixart::Options;
using pixart::Tensor;

template <class Object> constexpr bool owns_as_a_pointer() {
    return sizeof(Object) == sizeof(void *) && !std::is_copy_constructible_v<Object> &&
           !std::is_copy_assignable_v<Object> && std::is_nothrow_move_constructible_v<Object> &&
           std::is_nothrow_move_assignable_v<Object> && std::is_nothrow_destructible_v<Object> &&
           std::is_nothrow_default_constructible_v<Object>;
}
static_assert(owns_as_a_pointer<Tensor>() && owns_as_a_pointer<pixart::Sampler>());
static_assert(owns_as_a_pointer<pixart::Encoder>() && owns_as_a_pointer<pixart::Denoiser>());
static_assert(owns_as_a_pointer<pixart::Decoder>() && owns_as_a_pointer<pixart::ImageEncoder>());

static bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/* The stages that a folder of tests uses, opened once for each test. */
struct Opened {
    pixart::Encoder encoder{check_model()};
    pixart::Denoiser denoiser{check_model()};
    pixart::Decoder decoder{check_model()};
    Embeddings both{encoder};
};

static void a_run_equals_that_of_c() {
    const Opened open;
    const Tensor latents = open.denoiser.denoise(open.both.prompt, open.both.negative, SHORT);
    const Tensor images = open.decoder.decode(latents);
    pixart_denoiser *denoiser = open_denoiser(check_model());
    const embeddings both = encode_prompts(check_model());
    const Tensor c_prompt(both.prompt), c_negative(both.negative), c_latents(denoise(denoiser, both, SHORT));
    pixart_denoiser_release(denoiser);
    CHECK_SAME(open.both.prompt.get(), c_prompt.get());
    CHECK_SAME(latents.get(), c_latents.get());
    CHECK(images.shape() == (pixart::Shape{1, 64, 64, 3}));
    CHECK_EQUAL(images.values<std::uint8_t>().size(), 64 * 64 * 3);
}

static void owners_move() {
    pixart::Encoder encoder(check_model());
    const pixart_encoder *handle = encoder.get();
    pixart::Encoder moved(std::move(encoder));
    CHECK(!encoder && moved && moved.get() == handle); // NOLINT(bugprone-use-after-move): what is checked
    CHECK_THROWS((void)encoder.encode(PROMPT), PIXART_ERROR_ARGUMENT, "encoder is NULL");
    encoder = std::move(moved);
    CHECK(encoder.get() == handle);
    encoder = pixart::Encoder(check_model()); // releases the first
    CHECK_EQUAL(encoder.encode(PROMPT).rank(), 2);

    Tensor tensor = encoder.encode(PROMPT);
    Tensor adopted(tensor.release());
    CHECK(!tensor && adopted);
    std::vector<Tensor> tensors;
    for (int i = 0; i < 20; i++) // grows, and moves its elements
        tensors.push_back(encoder.encode(""));
    CHECK_SAME(tensors.front().get(), tensors.back().get());
    std::swap(tensors.front(), adopted);
    CHECK_EQUAL(tensors.front().shape()[0], tensors[0].shape()[0]);
}

static void empty_objects_do_nothing() {
    const Tensor tensor;
    const pixart::Sampler sampler;
    CHECK_EQUAL(tensor.type(), 0);
    CHECK(tensor.rank() == 0 && tensor.size_bytes() == 0 && tensor.data() == nullptr && tensor.shape().size() == 0);
    CHECK(sampler.steps() == 0 && sampler.step_index() == 0);
    CHECK_THROWS((void)tensor.values<float>(), PIXART_ERROR_ARGUMENT, "an empty tensor, expected float32");
    CHECK_THROWS((void)sampler.latents(), PIXART_ERROR_ARGUMENT, "sampler is NULL");
}

static void tensors_are_typed_views() {
    std::vector<float> numbers(6);
    std::iota(numbers.begin(), numbers.end(), 1.0F);
    const Tensor tensor(numbers, {2, 3});
    CHECK_EQUAL(tensor.type(), PIXART_FLOAT32);
    const auto values = tensor.values<float>();
    CHECK(values.data() == tensor.data() && std::equal(values.begin(), values.end(), numbers.begin(), numbers.end()));
    CHECK_EQUAL(std::accumulate(values.begin(), values.end(), 0.0F), 21);
    CHECK_THROWS((void)tensor.values<std::uint8_t>(), PIXART_ERROR_ARGUMENT, "float32, expected uint8");
    const std::uint8_t bytes[] = {1, 2, 3};
    const Tensor small(bytes, {3});
    CHECK_EQUAL(small.values<std::uint8_t>()[2], 3);
    const Tensor scalar(pixart::Span<float>(numbers.data(), 1), {});
    CHECK(scalar.rank() == 0 && scalar.values<float>().size() == 1);
    CHECK_THROWS(Tensor(numbers, {2, 2}), PIXART_ERROR_ARGUMENT, "");
    CHECK_THROWS(Tensor(numbers, {1, 1, 1, 1, 1, 1, 1, 1, 6}), PIXART_ERROR_ARGUMENT, "has 9 dimensions");
#if __cplusplus >= 202002L
    const std::span<const float> standard = values;
    CHECK(standard.size() == 6 && Tensor(standard, {6}).shape() == pixart::Shape{6});
#endif
}

static void a_sampler_runs_by_steps() {
    const Opened open;
    pixart::Sampler sampler(open.denoiser, open.both.prompt, open.both.negative, SHORT);
    CHECK_EQUAL(sampler.steps(), STEPS);
    CHECK(sampler.timestep(0) > sampler.timestep(STEPS - 1));
    sampler.set_noise(sampler.latents()); // DPM-Solver's first noise is not scaled
    while (sampler.step_index() < sampler.steps())
        sampler.step();
    const Tensor expected = open.denoiser.denoise(open.both.prompt, open.both.negative, SHORT);
    CHECK_SAME(sampler.latents().get(), expected.get());
    CHECK(sampler.predicted_original().shape() == expected.shape());
    CHECK(sampler.preview().shape() == (pixart::Shape{1, 8, 8, 3}));
    CHECK_THROWS(sampler.step(), PIXART_ERROR_STATE, "");
}

static void a_batch_lends_its_tensors() {
    const Opened open;
    const Tensor &prompt = open.both.prompt, &negative = open.both.negative;
    auto batch = pixart::Sampler::batch(open.denoiser, {prompt, negative, prompt}, {negative, negative, negative},
                                        RUN("\"seed\": [7, 8, 7]"));
    while (batch.step_index() < batch.steps())
        batch.step();
    CHECK_EQUAL(batch.latents().shape()[0], 3);
    const Tensor single = open.denoiser.denoise(prompt, negative, SHORT);
    CHECK(batch_error(batch.latents().get(), 2, single.get()) < BATCH_BOUND);
    CHECK_THROWS((void)pixart::Sampler::batch(open.denoiser, {prompt, prompt}, {negative}, SHORT),
                 PIXART_ERROR_ARGUMENT, "negatives has 1 tensors, expected one for each of 2 prompts");
    auto unguided = pixart::Sampler::batch(open.denoiser, {prompt, prompt}, {}, RUN("\"guidance_scale\": 1"));
    CHECK_EQUAL(unguided.latents().shape()[0], 2);
    CHECK_EQUAL(open.denoiser.denoise(prompt, {}, RUN("\"guidance_scale\": 1")).shape()[0], 1);
}

static void images_go_both_ways() {
    const Opened open;
    const Folder folder;
    const Tensor images = open.decoder.decode(open.denoiser.denoise(open.both.prompt, open.both.negative, SHORT));
    const auto text = Options().set("text", Options().set("prompt", "a \"cat\"\n\\ \x01 ä"));
    pixart::image_write(images, 0, folder / "a.png", text);
    const Tensor file = pixart::image_write_memory(images, 0, text), read = pixart::image_read(folder / "a.png");
    CHECK_SAME(read.get(), pixart::image_read_memory(file.values<std::uint8_t>()).get());
    CHECK(std::memcmp(read.data(), images.data(), images.size_bytes()) == 0);
    std::ifstream stream(folder / "a.png", std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    CHECK(bytes.size() == file.size_bytes() && std::memcmp(bytes.data(), file.data(), bytes.size()) == 0);

    const auto half = Options().set("height", 32).set("width", 32);
    CHECK(pixart::image_resize(read, half).shape() == (pixart::Shape{32, 32, 3}));
    const std::vector<std::uint8_t> everywhere(64 * 64, 255);
    CHECK_SAME(pixart::image_blend(images, read, Tensor(everywhere, {64, 64})).get(), images.get());
    write_edge_detector((folder / "edges.pth").c_str());
    CHECK(pixart::image_edges(read, folder / "edges.pth").shape() == read.shape());

    const pixart::ImageEncoder encoder(check_model());
    const Tensor latents = encoder.encode(read);
    CHECK_EQUAL(latents.shape()[2], 8);
    pixart::Sampler sampler(open.denoiser, open.both.prompt, open.both.negative, RUN("\"strength\": 0.5"));
    sampler.set_image_latents(latents);
    sampler.set_mask(Tensor(everywhere, {64, 64}));
    sampler.step();
    CHECK_THROWS(sampler.set_control(latents), PIXART_ERROR_STATE, "");
}

static void tensors_go_to_files() {
    const Folder folder;
    const pixart::Encoder encoder(check_model());
    const Embeddings both(encoder);
    const auto path = folder / "e.safetensors";
    pixart::tensors_save(path, {{"prompt", both.prompt}, {"negative", both.negative}});
    const auto loaded = pixart::tensors_load(path, {"negative", "prompt"});
    CHECK_SAME(loaded[1].get(), both.prompt.get());
    CHECK(contains(pixart::tensors_list(path), "\"F32\""));
    CHECK_THROWS((void)pixart::tensors_load(path, {"prompt", "other"}), PIXART_ERROR_MODEL, "other");
    const std::string name("a\0b", 3);
    CHECK_THROWS(pixart::tensors_save(path, {{name, both.prompt}}), PIXART_ERROR_ARGUMENT, "a NUL at byte 1");
}

static void reports_are_json() {
    const Opened open;
    const pixart::ImageEncoder images(check_model());
    for (const std::string &report : {open.encoder.report(), open.denoiser.report(), open.decoder.report(),
                                      images.report(), pixart::inspect(check_model())})
        CHECK(contains(report, "\"files\""));
    for (const std::string &report :
         {open.encoder.memory(), open.denoiser.memory(), open.decoder.memory(), images.memory(),
          pixart::memory_estimate(check_model(), R"({"stage": "decode"})")})
        CHECK(contains(report, "\"peak\""));
    for (const std::string &report :
         {open.encoder.profile(), open.denoiser.profile(), open.decoder.profile(), images.profile()})
        CHECK(contains(report, "\"gemm_float32\""));
    CHECK(contains(open.encoder.tokenize("a cat"), "\"pieces\""));
    CHECK(contains(pixart::options_schema(), "\"denoise\"") && contains(pixart::options_schema("denoise"), "\"seed\""));
    CHECK(pixart::options_schema("nothing").empty());
    CHECK_TEXT(std::string(pixart::version()).c_str(), pixart_version());
    CHECK_TEXT(std::string(pixart::status_name(PIXART_ERROR_FILE)).c_str(), "PIXART_ERROR_FILE");
}

static void checkpoints_convert() {
    const Folder folder;
    double last = 0;
    pixart::convert(check_model(), folder / "int8", Options().set("weights", "int8"),
                    [&](const pixart::Progress &now) { return last = now.fraction, true; });
    CHECK_EQUAL(last, 1);
    CHECK(contains(pixart::Denoiser(folder / "int8").report(), "int8"));
}

static void options_are_exact_json() {
    const std::vector<std::int64_t> seeds = {7, INT64_C(9007199254740993)};
    const auto options = Options()
                             .set("seed", seeds)
                             .set("guidance_scale", 0.1)
                             .set("on", true)
                             .set("none", nullptr)
                             .set("empty", std::vector<int>())
                             .set("text", std::string("\"\\\t"))
                             .set("inner", Options().set("a", "b"));
    CHECK_TEXT(options.json().c_str(), "{\"seed\": [7, 9007199254740993], \"guidance_scale\": 0.1, \"on\": true, "
                                       "\"none\": null, \"empty\": [], \"text\": \"\\\"\\\\\\u0009\", "
                                       "\"inner\": {\"a\": \"b\"}}");
    CHECK_TEXT(Options().json().c_str(), "{}");
    CHECK_THROWS(Options().set("strength", std::nan("")), PIXART_ERROR_OPTION, "not finite");
    const Opened open;
    const auto run = Options().set("num_inference_steps", 3).set("height", 64).set("width", 64).set("seed", 7);
    CHECK_SAME(open.denoiser.denoise(open.both.prompt, open.both.negative, run).get(),
               open.denoiser.denoise(open.both.prompt, open.both.negative, SHORT).get());
}

static const check_test tests[] = {
    {"a run equals that of C", guarded<a_run_equals_that_of_c>},
    {"owners move", guarded<owners_move>},
    {"empty objects do nothing", guarded<empty_objects_do_nothing>},
    {"tensors are typed views", guarded<tensors_are_typed_views>},
    {"a sampler runs by steps", guarded<a_sampler_runs_by_steps>},
    {"a batch lends its tensors", guarded<a_batch_lends_its_tensors>},
    {"images go both ways", guarded<images_go_both_ways>},
    {"tensors go to files and back", guarded<tensors_go_to_files>},
    {"reports are JSON", guarded<reports_are_json>},
    {"checkpoints convert", guarded<checkpoints_convert>},
    {"options are exact JSON", guarded<options_are_exact_json>},
};

CHECK_MAIN(tests)

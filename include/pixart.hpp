/**
 * @file pixart.hpp
 * libpixart for C++17 and later: owners, exceptions and views over pixart.h, without code of its own in the library.
 *
 *     pixart::Tensor prompt, negative;
 *     {
 *         pixart::Encoder encoder("PixArt-XL-2-512x512");
 *         prompt = encoder.encode("a small cactus with a happy face");
 *         negative = encoder.encode("");
 *     } // frees the encoder before the next stage opens
 *     pixart::Denoiser denoiser("PixArt-XL-2-512x512");
 *     auto latents = denoiser.denoise(prompt, negative, pixart::Options().set("seed", 7));
 *     pixart::Decoder decoder("PixArt-XL-2-512x512");
 *     pixart::image_write(decoder.decode(latents), 0, "cactus.png");
 *
 * pixart.h is the specification. A function pixart_NAME() is pixart::NAME() here. A function whose first argument is an
 * object is a method: pixart_encoder_report() is Encoder::report(). Only what C++ adds is described below:
 *
 * - Ownership: each class owns one handle, is as large as a pointer, and can be moved but not copied. An object that
 *   was moved from or default-constructed is empty: it holds NULL, and can be assigned to and destroyed. Destructors do
 *   not throw.
 * - Failures: a status other than PIXART_OK becomes an Error with that status and the message of the call.
 * - Callbacks: what a callback throws cancels the call, and is thrown again to the caller once the call has returned.
 *   No exception passes through C.
 * - Threads: as in pixart.h. `const` methods of an open stage are thread-safe; a Sampler is used by one thread at a
 *   time. No task may move to another thread within a method, so a coroutine may not be suspended in a callback.
 * - Memory: tensors are views of the library's memory and never copied. Copied are: text that is a std::string_view,
 *   because C needs its closing NUL; reports; and the lists of names and handles of the functions that take lists.
 */
#ifndef PIXART_HPP
#define PIXART_HPP

#include "pixart.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace pixart {

/* ---- Version and errors ----------------------------------------------------------------------------------------- */

/** Returns the version of the library, "major.minor.patch". */
inline std::string_view version() noexcept { return pixart_version(); }

/** Returns the name of a status, such as "PIXART_ERROR_OPTION". */
inline std::string_view status_name(pixart_status status) noexcept { return pixart_status_name(status); }

/** A call that failed. what() is pixart_error_message(): what was found and what was expected. */
class Error : public std::runtime_error {
  public:
    Error(pixart_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    /** One of the values of pixart_status. */
    [[nodiscard]] pixart_status status() const noexcept { return status_; }

  private:
    pixart_status status_;
};

/** A call that its callback cancelled by returning false: PIXART_CANCELLED. */
class Cancelled : public Error {
  public:
    explicit Cancelled(const std::string &message) : Error(PIXART_CANCELLED, message) {}
};

/* ---- Arguments -------------------------------------------------------------------------------------------------- */

/** A view of constant elements that another object owns. Converts from and to std::span<const T>. */
template <class T> class Span {
  public:
    using value_type = T;
    constexpr Span() noexcept = default;
    constexpr Span(const T *data, std::size_t size) noexcept : data_(data), size_(size) {}

    /** A view of a vector, an array, a std::span or another range whose elements lie side by side. */
    template <class Range,
              class = std::enable_if_t<std::is_convertible_v<
                  std::remove_pointer_t<decltype(std::data(std::declval<const Range &>()))> (*)[], const T (*)[]>>>
    constexpr Span(const Range &range) : data_(std::data(range)), size_(std::size(range)) {}

    [[nodiscard]] constexpr const T *data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr const T *begin() const noexcept { return data_; }
    [[nodiscard]] constexpr const T *end() const noexcept { return data_ + size_; }
    constexpr const T &operator[](std::size_t index) const { return data_[index]; }

  private:
    const T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** The dimensions of a tensor, at most PIXART_MAX_RANK. Needs no memory of its own. */
class Shape {
  public:
    Shape() noexcept = default;
    Shape(std::initializer_list<std::int64_t> dimensions) : Shape(Span(dimensions.begin(), dimensions.size())) {}

    /** Throws PIXART_ERROR_ARGUMENT if there are more than PIXART_MAX_RANK dimensions. */
    Shape(Span<std::int64_t> dimensions) : rank_(dimensions.size()) {
        if (rank_ > PIXART_MAX_RANK)
            throw Error(PIXART_ERROR_ARGUMENT, "the shape has " + std::to_string(rank_) +
                                                   " dimensions, expected 0 to " + std::to_string(PIXART_MAX_RANK));
        for (std::size_t i = 0; i < rank_; i++)
            dimensions_[i] = dimensions[i];
    }

    [[nodiscard]] std::size_t size() const noexcept { return rank_; }
    [[nodiscard]] const std::int64_t *data() const noexcept { return dimensions_.data(); }
    [[nodiscard]] const std::int64_t *begin() const noexcept { return data(); }
    [[nodiscard]] const std::int64_t *end() const noexcept { return data() + rank_; }
    std::int64_t operator[](std::size_t index) const { return dimensions_[index]; }
    friend bool operator==(const Shape &a, const Shape &b) noexcept {
        return a.rank_ == b.rank_ && a.dimensions_ == b.dimensions_;
    }
    friend bool operator!=(const Shape &a, const Shape &b) noexcept { return !(a == b); }

  private:
    std::array<std::int64_t, PIXART_MAX_RANK> dimensions_{};
    std::size_t rank_ = 0;
};

/**
 * Writes options as a JSON object: Options().set("seed", 7).set("scheduler", "DPMSolverMultistep").
 *
 * It knows JSON, not the options: keys and values are checked by the function that takes them. Numbers keep their exact
 * value, whatever the locale. Text in JSON, such as R"({"seed": 7})", can be passed instead.
 */
class Options {
  public:
    /**
     * Adds a key: a bool, a number, text, nullptr for null, other options, or a range of these. Throws
     * PIXART_ERROR_OPTION if a number is not finite, which JSON cannot say.
     */
    template <class Value> Options &set(std::string_view key, const Value &value) {
        std::string member;
        write(member, key);
        member += ": ";
        write(member, value);
        json_.insert(json_.size() - 1, (json_.size() > 2 ? ", " : "") + member);
        return *this;
    }

    /** The JSON object. */
    [[nodiscard]] const std::string &json() const noexcept { return json_; }

  private:
    template <class Value> static void write(std::string &out, const Value &value) {
        if constexpr (std::is_same_v<Value, bool>) {
            out += value ? "true" : "false";
        } else if constexpr (std::is_same_v<Value, std::nullptr_t>) {
            out += "null";
        } else if constexpr (std::is_same_v<Value, Options>) {
            out += value.json_;
        } else if constexpr (std::is_arithmetic_v<Value>) {
            if constexpr (std::is_floating_point_v<Value>) {
                if (!std::isfinite(value))
                    throw Error(PIXART_ERROR_OPTION, "a number in the options is not finite");
            }
            std::array<char, 64> digits{};
            out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
        } else if constexpr (std::is_convertible_v<const Value &, std::string_view>) {
            quote(out, value);
        } else {
            const char *separator = "[";
            for (const auto &element : value) {
                out += std::exchange(separator, ", ");
                write(out, element);
            }
            out += *separator == '[' ? "[]" : "]";
        }
    }

    static void quote(std::string &out, std::string_view text) {
        constexpr std::string_view hexadecimal = "0123456789abcdef";
        out += '"';
        for (const char character : text) {
            const auto byte = static_cast<unsigned char>(character);
            if (byte < 0x20)
                (out += "\\u00") += {hexadecimal[byte >> 4U], hexadecimal[byte & 15U]};
            else if (character == '"' || character == '\\')
                (out += '\\') += character;
            else
                out += character;
        }
        out += '"';
    }

    std::string json_ = "{}";
};

/** Text for C, in UTF-8: borrows what ends with NUL, and copies a std::string_view. An argument, never a variable. */
class Text {
  public:
    Text(std::nullptr_t = nullptr) noexcept {}
    Text(const char *text) noexcept : text_(text) {}
    Text(const std::string &text) : text_(whole(text).data()) {}
    Text(std::string_view text) : copy_(whole(text)), text_(copy_.c_str()) {}
    Text(const Options &options) noexcept : text_(options.json().c_str()) {}
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text() = default;

    [[nodiscard]] const char *c_str() const noexcept { return text_; }

  private:
    static std::string_view whole(std::string_view text) {
        if (const auto end = text.find('\0'); end != std::string_view::npos)
            throw Error(PIXART_ERROR_ARGUMENT, "the text has a NUL at byte " + std::to_string(end));
        return text;
    }

    std::string copy_;
    const char *text_ = nullptr;
};

/** A path, or what else pixart_encoder_open() takes as a model. An argument, never a variable. */
class Path : public Text {
  public:
    Path(std::nullptr_t) noexcept {}
    Path(const char *path) noexcept : Text(path) {}
    Path(const std::string &path) : Text(path) {}
    Path(std::string_view path) : Text(path) {}
    Path(const std::filesystem::path &path) : Text(path.native()) {}
};

/** What a callback is told; see pixart_progress. */
struct Progress {
    std::int64_t step;
    std::int64_t steps;
    double fraction;
};

/** Returns true to go on, false to cancel. Called on the thread that made the call. */
using Callback = std::function<bool(const Progress &)>;

namespace detail {

inline void check(pixart_status status) {
    if (status == PIXART_CANCELLED)
        throw Cancelled(pixart_error_message());
    if (status != PIXART_OK)
        throw Error(status, pixart_error_message());
}

/** Passes a callback to C, and keeps what it throws until the call has returned. */
class Watch {
  public:
    explicit Watch(const Callback &callback) noexcept : callback_(callback) {}
    [[nodiscard]] pixart_progress function() const noexcept { return callback_ ? &Watch::run : nullptr; }

    void check(pixart_status status) const {
        if (thrown_)
            std::rethrow_exception(thrown_);
        detail::check(status);
    }

  private:
    static std::int32_t run(void *context, std::int64_t step, std::int64_t steps, double fraction) noexcept {
        auto &watch = *static_cast<Watch *>(context);
        if (watch.thrown_)
            return 1;
        try {
            return watch.callback_(Progress{step, steps, fraction}) ? 0 : 1;
        } catch (...) {
            watch.thrown_ = std::current_exception();
            return 1;
        }
    }

    const Callback &callback_;
    std::exception_ptr thrown_;
};

/** Owns a handle. */
template <class Handle, void (*release_handle)(Handle *)> class Owner {
  public:
    using handle_type = Handle;
    Owner() noexcept = default;

    /** Takes over a handle of the C functions, or NULL. */
    explicit Owner(Handle *handle) noexcept : handle_(handle) {}

    /** The handle, for the C functions; NULL if the object is empty. */
    [[nodiscard]] Handle *get() const noexcept { return handle_.get(); }

    /** Gives the handle to the caller, who releases it. The object is empty afterwards. */
    [[nodiscard]] Handle *release() noexcept { return handle_.release(); }

    /** False if the object is empty. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }

  private:
    struct Release {
        void operator()(Handle *handle) const noexcept { release_handle(handle); }
    };
    std::unique_ptr<Handle, Release> handle_;
};

/** The object that a C function returns through its last argument. */
template <class Object, class Function, class... Arguments> Object made(Function function, Arguments... arguments) {
    typename Object::handle_type *handle = nullptr;
    const pixart_status status = function(arguments..., &handle);
    Object object(handle);
    check(status);
    return object;
}

/** The same for a function with a callback. */
template <class Object, class Function, class... Arguments>
Object watched(const Callback &callback, Function function, Arguments... arguments) {
    Watch watch(callback);
    typename Object::handle_type *handle = nullptr;
    const pixart_status status = function(arguments..., watch.function(), &watch, &handle);
    Object object(handle);
    watch.check(status);
    return object;
}

/** The text that a C function returns through its last argument. */
template <class Function, class... Arguments> std::string report(Function function, Arguments... arguments) {
    struct Release {
        void operator()(char *text) const noexcept { pixart_string_release(text); }
    };
    char *text = nullptr;
    const pixart_status status = function(arguments..., &text);
    const std::unique_ptr<char, Release> owner(text);
    check(status);
    return owner.get();
}

} // namespace detail

/* ---- Tensors ---------------------------------------------------------------------------------------------------- */

/** A dense array in row-major order, immutable; float or std::uint8_t. Where an argument may be NULL, pass {}. */
class Tensor : public detail::Owner<pixart_tensor, pixart_tensor_release> {
  public:
    Tensor() noexcept = default;
    explicit Tensor(pixart_tensor *handle) noexcept : Owner(handle) {}

    /** Copies float32 elements in row-major order. */
    Tensor(Span<float> values, const Shape &shape) : Tensor(PIXART_FLOAT32, values.data(), values.size() * 4, shape) {}

    /** Copies uint8 elements in row-major order. */
    Tensor(Span<std::uint8_t> values, const Shape &shape) : Tensor(PIXART_UINT8, values.data(), values.size(), shape) {}

    /** PIXART_FLOAT32 or PIXART_UINT8; 0 if empty. */
    [[nodiscard]] std::int32_t type() const noexcept { return pixart_tensor_type(get()); }
    [[nodiscard]] std::size_t rank() const noexcept { return pixart_tensor_rank(get()); }
    [[nodiscard]] Shape shape() const { return Span<std::int64_t>(pixart_tensor_shape(get()), rank()); }

    /** Elements as bytes; valid while the tensor lives. */
    [[nodiscard]] const void *data() const noexcept { return pixart_tensor_data(get()); }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return pixart_tensor_size(get()); }

    /** The elements, float or std::uint8_t; valid while the tensor lives. Throws PIXART_ERROR_ARGUMENT for other ones.
     */
    template <class T> [[nodiscard]] Span<T> values() const & {
        static_assert(std::is_same_v<T, float> || std::is_same_v<T, std::uint8_t>,
                      "tensors hold float or std::uint8_t");
        constexpr std::int32_t expected = std::is_same_v<T, float> ? PIXART_FLOAT32 : PIXART_UINT8;
        if (type() != expected)
            throw Error(PIXART_ERROR_ARGUMENT, std::string(type_name(type())) + ", expected " + type_name(expected));
        return {static_cast<const T *>(data()), size_bytes() / sizeof(T)};
    }
    template <class T> Span<T> values() const && = delete; // the tensor would be gone before the view is used

  private:
    Tensor(std::int32_t type, const void *data, std::size_t bytes, const Shape &shape)
        : Tensor(detail::made<Tensor>(pixart_tensor_create, type, shape.size(), shape.data(), data, bytes)) {}

    static const char *type_name(std::int32_t type) noexcept {
        return type == PIXART_FLOAT32 ? "float32" : type == PIXART_UINT8 ? "uint8" : "an empty tensor";
    }
};

/** Several tensors, lent for a call: {first, second}. The same one may occur several times. */
using Tensors = std::vector<std::reference_wrapper<const Tensor>>;

namespace detail {

inline std::vector<const pixart_tensor *> handles(const Tensors &tensors) {
    std::vector<const pixart_tensor *> handles;
    handles.reserve(tensors.size());
    for (const Tensor &tensor : tensors)
        handles.push_back(tensor.get());
    return handles;
}

/** What all opened parts of a checkpoint have in common. */
template <class Handle, void (*release_handle)(Handle *),
          pixart_status (*memory_of)(const Handle *, const char *, char **),
          pixart_status (*profile_of)(const Handle *, char **), pixart_status (*report_of)(const Handle *, char **)>
class Stage : public Owner<Handle, release_handle> {
  public:
    using Owner<Handle, release_handle>::Owner;

    /** Reports the memory of the stage as JSON; see pixart_encoder_memory(). */
    [[nodiscard]] std::string memory(const Text &options = nullptr) const {
        return detail::report(memory_of, this->get(), options.c_str());
    }

    /** Reports where the time of its calls went as JSON; see pixart_encoder_profile(). */
    [[nodiscard]] std::string profile() const { return detail::report(profile_of, this->get()); }

    /** Reports what it was opened from as JSON; see pixart_encoder_report(). */
    [[nodiscard]] std::string report() const { return detail::report(report_of, this->get()); }
};

} // namespace detail

/* ---- Text to image ---------------------------------------------------------------------------------------------- */

/** A tokenizer and a T5 text encoder. */
class Encoder : public detail::Stage<pixart_encoder, pixart_encoder_release, pixart_encoder_memory,
                                     pixart_encoder_profile, pixart_encoder_report> {
  public:
    using Stage::Stage;

    /** Opens the text encoder of a checkpoint; see pixart_encoder_open(). */
    explicit Encoder(const Path &model, const Text &options = nullptr, const Callback &progress = nullptr)
        : Encoder(detail::watched<Encoder>(progress, pixart_encoder_open, model.c_str(), options.c_str())) {}

    /** Encodes a prompt into an embedding, float32 [S, E]; see pixart_encode(). */
    [[nodiscard]] Tensor encode(const Text &prompt, const Text &options = nullptr,
                                const Callback &progress = nullptr) const {
        return detail::watched<Tensor>(progress, pixart_encode, get(), prompt.c_str(), options.c_str());
    }

    /** Reports the tokens of a prompt as JSON; see pixart_encoder_tokenize(). */
    [[nodiscard]] std::string tokenize(const Text &prompt, const Text &options = nullptr) const {
        return detail::report(pixart_encoder_tokenize, get(), prompt.c_str(), options.c_str());
    }
};

/** A PixArt transformer and a scheduler. */
class Denoiser : public detail::Stage<pixart_denoiser, pixart_denoiser_release, pixart_denoiser_memory,
                                      pixart_denoiser_profile, pixart_denoiser_report> {
  public:
    using Stage::Stage;

    /** Opens the transformer of a checkpoint; see pixart_denoiser_open(). */
    explicit Denoiser(const Path &model, const Text &options = nullptr, const Callback &progress = nullptr)
        : Denoiser(detail::watched<Denoiser>(progress, pixart_denoiser_open, model.c_str(), options.c_str())) {}

    /** Runs the complete denoising loop, which gives latents [B, C, Y, X]; see pixart_denoise(). */
    [[nodiscard]] Tensor denoise(const Tensor &prompt, const Tensor &negative, const Text &options = nullptr,
                                 const Callback &progress = nullptr) const {
        return detail::watched<Tensor>(progress, pixart_denoise, get(), prompt.get(), negative.get(), options.c_str());
    }
};

/** The decoder of a VAE, or of a tiny autoencoder. */
class Decoder : public detail::Stage<pixart_decoder, pixart_decoder_release, pixart_decoder_memory,
                                     pixart_decoder_profile, pixart_decoder_report> {
  public:
    using Stage::Stage;

    /** Opens the decoder of a checkpoint; see pixart_decoder_open(). */
    explicit Decoder(const Path &model, const Text &options = nullptr, const Callback &progress = nullptr)
        : Decoder(detail::watched<Decoder>(progress, pixart_decoder_open, model.c_str(), options.c_str())) {}

    /** Decodes latents into images, uint8 [B, H, W, 3]; see pixart_decode(). */
    [[nodiscard]] Tensor decode(const Tensor &latents, const Text &options = nullptr,
                                const Callback &progress = nullptr) const {
        return detail::watched<Tensor>(progress, pixart_decode, get(), latents.get(), options.c_str());
    }
};

/** The encoder of a VAE, or of a tiny autoencoder. */
class ImageEncoder
    : public detail::Stage<pixart_image_encoder, pixart_image_encoder_release, pixart_image_encoder_memory,
                           pixart_image_encoder_profile, pixart_image_encoder_report> {
  public:
    using Stage::Stage;

    /** Opens the image encoder of a checkpoint; see pixart_image_encoder_open(). */
    explicit ImageEncoder(const Path &model, const Text &options = nullptr, const Callback &progress = nullptr)
        : ImageEncoder(
              detail::watched<ImageEncoder>(progress, pixart_image_encoder_open, model.c_str(), options.c_str())) {}

    /** Encodes images into latents [B, C, Y, X]; see pixart_image_encode(). */
    [[nodiscard]] Tensor encode(const Tensor &images, const Text &options = nullptr,
                                const Callback &progress = nullptr) const {
        return detail::watched<Tensor>(progress, pixart_image_encode, get(), images.get(), options.c_str());
    }
};

/* ---- Step by step ----------------------------------------------------------------------------------------------- */

/** One denoising run that the host advances step by step. Used by one thread at a time. */
class Sampler : public detail::Owner<pixart_sampler, pixart_sampler_release> {
  public:
    using Owner::Owner;

    /** Creates a run; see pixart_sampler_create(). */
    Sampler(const Denoiser &denoiser, const Tensor &prompt, const Tensor &negative, const Text &options = nullptr)
        : Sampler(detail::made<Sampler>(pixart_sampler_create, denoiser.get(), prompt.get(), negative.get(),
                                        options.c_str())) {}

    /**
     * Creates a run of many prompts at once; see pixart_sampler_create_batch(). `negatives` has one tensor for each
     * prompt, or none for NULL; another number is PIXART_ERROR_ARGUMENT.
     */
    [[nodiscard]] static Sampler batch(const Denoiser &denoiser, const Tensors &prompts, const Tensors &negatives,
                                       const Text &options = nullptr) {
        if (!negatives.empty() && negatives.size() != prompts.size())
            throw Error(PIXART_ERROR_ARGUMENT, "negatives has " + std::to_string(negatives.size()) +
                                                   " tensors, expected one for each of " +
                                                   std::to_string(prompts.size()) + " prompts, or none");
        const auto positive_handles = detail::handles(prompts);
        const auto negative_handles = detail::handles(negatives);
        return detail::made<Sampler>(pixart_sampler_create_batch, denoiser.get(), prompts.size(),
                                     positive_handles.data(), negatives.empty() ? nullptr : negative_handles.data(),
                                     options.c_str());
    }

    /** Uses this noise instead of noise drawn from the seed; see pixart_sampler_set_noise(). */
    void set_noise(const Tensor &noise) { detail::check(pixart_sampler_set_noise(get(), noise.get())); }

    /** Starts the run from an image; see pixart_sampler_set_image_latents(). */
    void set_image_latents(const Tensor &latents) {
        detail::check(pixart_sampler_set_image_latents(get(), latents.get()));
    }

    /** Regenerates the masked area only; see pixart_sampler_set_mask(). */
    void set_mask(const Tensor &mask) { detail::check(pixart_sampler_set_mask(get(), mask.get())); }

    /** Guides the run by a control image; see pixart_sampler_set_control(). */
    void set_control(const Tensor &latents) { detail::check(pixart_sampler_set_control(get(), latents.get())); }

    /** Steps of the run; 0 if empty. */
    [[nodiscard]] std::int64_t steps() const noexcept { return pixart_sampler_steps(get()); }

    /** Steps done so far; 0 if empty. */
    [[nodiscard]] std::int64_t step_index() const noexcept { return pixart_sampler_step_index(get()); }

    /** The diffusion timestep of a step, 0 to steps() - 1; see pixart_sampler_timestep(). */
    [[nodiscard]] double timestep(std::int64_t index) const {
        double timestep = 0;
        detail::check(pixart_sampler_timestep(get(), index, &timestep));
        return timestep;
    }

    /** Runs one step. After Cancelled, and after what a callback throws, the step can be run again from its start. */
    void step(const Callback &progress = nullptr) {
        detail::Watch watch(progress);
        watch.check(pixart_sampler_step(get(), watch.function(), &watch));
    }

    /** Copies the current latents [B, C, Y, X]; see pixart_sampler_latents(). */
    [[nodiscard]] Tensor latents() const { return detail::made<Tensor>(pixart_sampler_latents, get()); }

    /** Copies the latents without noise that the last step predicted; see pixart_sampler_predicted_original(). */
    [[nodiscard]] Tensor predicted_original() const {
        return detail::made<Tensor>(pixart_sampler_predicted_original, get());
    }

    /** Makes a small image without a decoder, uint8 [B, Y, X, 3]; see pixart_sampler_preview(). */
    [[nodiscard]] Tensor preview(const Text &options = nullptr) const {
        return detail::made<Tensor>(pixart_sampler_preview, get(), options.c_str());
    }
};

/* ---- Images ----------------------------------------------------------------------------------------------------- */

/** Writes one image of a batch as a PNG file; see pixart_image_write(). */
inline void image_write(const Tensor &images, std::size_t index, const Path &path, const Text &options = nullptr) {
    detail::check(pixart_image_write(images.get(), index, path.c_str(), options.c_str()));
}

/** Makes the bytes of that file, uint8 [N]; see pixart_image_write_memory(). */
[[nodiscard]] inline Tensor image_write_memory(const Tensor &images, std::size_t index, const Text &options = nullptr) {
    return detail::made<Tensor>(pixart_image_write_memory, images.get(), index, options.c_str());
}

/** Reads a PNG file, uint8 [H, W, channels]; see pixart_image_read(). */
[[nodiscard]] inline Tensor image_read(const Path &path, const Text &options = nullptr) {
    return detail::made<Tensor>(pixart_image_read, path.c_str(), options.c_str());
}

/** Reads the bytes of a PNG file; see pixart_image_read_memory(). */
[[nodiscard]] inline Tensor image_read_memory(Span<std::uint8_t> file, const Text &options = nullptr) {
    return detail::made<Tensor>(pixart_image_read_memory, file.data(), file.size(), options.c_str());
}

/** Resizes images with the Lanczos filter; see pixart_image_resize(). */
[[nodiscard]] inline Tensor image_resize(const Tensor &images, const Text &options) {
    return detail::made<Tensor>(pixart_image_resize, images.get(), options.c_str());
}

/** Takes images inside the mask and originals outside it; see pixart_image_blend(). */
[[nodiscard]] inline Tensor image_blend(const Tensor &images, const Tensor &originals, const Tensor &mask) {
    return detail::made<Tensor>(pixart_image_blend, images.get(), originals.get(), mask.get());
}

/** Detects the edges of images, for a ControlNet; see pixart_image_edges(). */
[[nodiscard]] inline Tensor image_edges(const Tensor &images, const Path &model, const Text &options = nullptr,
                                        const Callback &progress = nullptr) {
    return detail::watched<Tensor>(progress, pixart_image_edges, images.get(), model.c_str(), options.c_str());
}

/* ---- Files of tensors and checkpoints --------------------------------------------------------------------------- */

/** A tensor, lent for a call, and its name in a file. */
struct NamedTensor {
    std::string name;
    std::reference_wrapper<const Tensor> tensor;
};

/** Saves tensors in a safetensors file: tensors_save(path, {{"prompt", prompt}}); see pixart_tensors_save(). */
inline void tensors_save(const Path &path, const std::vector<NamedTensor> &tensors) {
    std::vector<const char *> names;
    std::vector<const pixart_tensor *> handles;
    names.reserve(tensors.size());
    handles.reserve(tensors.size());
    for (const NamedTensor &each : tensors) {
        names.push_back(Text(each.name).c_str()); // the name's own characters
        handles.push_back(each.tensor.get().get());
    }
    detail::check(pixart_tensors_save(path.c_str(), tensors.size(), names.data(), handles.data()));
}

/** Loads tensors in the order of their names; see pixart_tensors_load(). */
[[nodiscard]] inline std::vector<Tensor> tensors_load(const Path &path, const std::vector<std::string> &names) {
    std::vector<const char *> texts;
    texts.reserve(names.size());
    for (const std::string &name : names)
        texts.push_back(Text(name).c_str());
    std::vector<pixart_tensor *> handles(names.size());
    std::vector<Tensor> tensors(names.size());
    detail::check(pixart_tensors_load(path.c_str(), names.size(), texts.data(), handles.data()));
    for (std::size_t i = 0; i < handles.size(); i++)
        tensors[i] = Tensor(handles[i]);
    return tensors;
}

/** Lists the tensors of a safetensors file as JSON; see pixart_tensors_list(). */
[[nodiscard]] inline std::string tensors_list(const Path &path) {
    return detail::report(pixart_tensors_list, path.c_str());
}

/** Returns the JSON Schema of a verb's options, or without a verb the list of verbs; empty for an unknown verb. */
[[nodiscard]] inline std::string_view options_schema(const Text &verb = nullptr) noexcept {
    const char *schema = pixart_options_schema(verb.c_str());
    return schema ? std::string_view(schema) : std::string_view();
}

/** Reports what a model on disk is as JSON; see pixart_inspect(). */
[[nodiscard]] inline std::string inspect(const Path &model, const Text &options = nullptr) {
    return detail::report(pixart_inspect, model.c_str(), options.c_str());
}

/** Estimates the memory of a stage before anything is opened, as JSON; see pixart_memory_estimate(). */
[[nodiscard]] inline std::string memory_estimate(const Path &model, const Text &options) {
    return detail::report(pixart_memory_estimate, model.c_str(), options.c_str());
}

/** Writes a checkpoint in another precision; see pixart_convert(). */
inline void convert(const Path &model, const Path &out, const Text &options = nullptr,
                    const Callback &progress = nullptr) {
    detail::Watch watch(progress);
    watch.check(pixart_convert(model.c_str(), out.c_str(), options.c_str(), watch.function(), &watch));
}

} // namespace pixart

#endif /* PIXART_HPP */

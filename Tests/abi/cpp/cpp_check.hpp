/* The test framework for C++: tests may throw, and destructors run. Without REQUIRE, CHECK_OK and other macros that end
 * a test by a jump. */
#ifndef CPP_CHECK_HPP
#define CPP_CHECK_HPP

#include "pixart.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

extern "C" {
#include "stages.h"
}

/** A test as check_main() takes it: an exception is a failure. */
template <void (*run)()> void guarded() {
    try {
        run();
    } catch (const std::exception &error) {
        check_text(error.what(), "no exception", "an exception", __FILE__, __LINE__);
    }
}

/** The call throws this Error, and its message contains the text. */
template <class Call>
void check_throws(Call &&call, pixart_status status, const char *text, const char *what, const char *file, int line) {
    try {
        call();
    } catch (const pixart::Error &error) {
        check_equal(error.status(), status, what, file, line);
        if (!std::strstr(error.what(), text))
            check_text(error.what(), text, what, file, line);
        return;
    }
    check_text("nothing", text, what, file, line);
}
#define CHECK_THROWS(call, status, text) check_throws([&] { call; }, status, text, #call, __FILE__, __LINE__)

/** A new folder that is removed with all it holds. */
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "pixart-cpp-XXXXXX").string();
        if (!mkdtemp(name.data()))
            throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path operator/(const char *name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

/** The prompt's and the empty prompt's embedding. */
struct Embeddings {
    explicit Embeddings(const pixart::Encoder &encoder)
        : prompt(encoder.encode(PROMPT)), negative(encoder.encode("")) {}
    pixart::Tensor prompt, negative;
};

#endif

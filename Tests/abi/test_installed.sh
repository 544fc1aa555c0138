#!/usr/bin/env bash
# Installs the library into a temporary prefix as a host's packager would, then builds and runs the C examples against
# it through pkg-config, CMake (if installed) and dlopen. Closes with "N passed, N failed".
#
#   test_installed.sh LIBRARY MODEL
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(realpath "$1") model=$(realpath "$2")
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
passed=0 failed=0

# try NAME COMMAND...: prints one line, and the command's output if it fails
try() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1)) && echo "ok   installed: $name"
    else
        failed=$((failed + 1)) && echo "FAIL installed: $name" && tail -20 "$work/log" | sed 's/^/     /'
    fi
}

is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]; }

by_pkg_config() {
    cp "$root"/examples/c/*.c "$root/examples/c/Makefile" "$work/" &&
        make -C "$work" CFLAGS="-O1 -Wall -Wextra -Werror" LDFLAGS="-Wl,-rpath,$prefix/lib"
}

# by_cmake NAME LIBRARIES: builds a host in a folder of its own, and checks which library it is linked to
by_cmake() {
    local folder=$work/cmake-${1##*/}
    mkdir -p "$folder" && cat >"$folder/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.16)
project(host C)
find_package(pixart 1.0 CONFIG REQUIRED)
add_executable(host $root/examples/c/text_to_image.c)
target_link_libraries(host PRIVATE pixart::pixart)
CMAKE
    cmake -S "$folder" -B "$folder/build" -Dpixart_DIR="$2/cmake/pixart" && cmake --build "$folder/build" &&
        ldd "$folder/build/host" | grep -q "$2/libpixart.so.1"
}

# Installs into a prefix, moves it, and builds hosts there; nothing of the first place is left to be found.
moves() {
    local moved=$work/moved/to
    make -f "$root/packaging/install.mk" install-strip PREFIX="$work/first" LIBDIR="$work/first/lib64" LIBRARY="$library" &&
        mkdir -p "$work/moved" && mv "$work/first" "$moved" && ! grep -r "$work/first" "$moved" &&
        PKG_CONFIG_PATH=$moved/lib64/pkgconfig make -B -C "$work" text_to_image LDFLAGS="-Wl,-rpath,$moved/lib64" &&
        run_example text_to_image moved.png && is_png "$work/moved.png" &&
        by_cmake "$moved" "$moved/lib64" && "$work/cmake-to/build/host" "$model" cat "$work/moved-cmake.png"
}

# Places outside the prefix keep their own paths.
apart() {
    local to=$work/apart
    make -f "$root/packaging/install.mk" install PREFIX="$to/prefix" LIBDIR="$to/libraries" INCLUDEDIR="$to/headers" \
        LIBRARY="$library" &&
        make -B -C "$work" text_to_image PKG_CONFIG_PATH="$to/libraries/pkgconfig" LDFLAGS="-Wl,-rpath,$to/libraries" &&
        ldd "$work/text_to_image" | grep -q "$to/libraries" && by_cmake "$to/libraries" "$to/libraries"
}
stripped() { ! readelf -SW "$1" | grep -qE '\.symtab|\.debug'; }
licences() { [ -s "$1/LICENSE" ] && grep -q OpenBLAS "$1/THIRD-PARTY"; }

by_dlopen() {
    cat >"$work/dynamic.c" <<'C' && cc -std=c11 -Wall -Wextra -Werror "$work/dynamic.c" -ldl -o "$work/dynamic" &&
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    void *library = dlopen(argc > 1 ? argv[1] : "libpixart.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
    const char *(*version)(void);
    *(void **)&version = dlsym(library, "pixart_version");
    return !version || printf("%s\n", version()) < 0;
}
C
        [ "$("$work/dynamic" "$prefix/lib/libpixart.so.1")" = "$(pkg-config --modversion pixart)" ]
}

# The second file has no text: after its first 33 bytes (signature and header), both files end in the same way.
same_pixels() { cmp <(tail -c $(($(stat -c %s "$2") - 33)) "$1") <(tail -c +34 "$2"); }
run_example() { (cd "$work" && "./$1" "$model" "a cute cat face on a blue background" "${@:2}"); }
reuses() { run_example reuse_embedding e.safetensors | grep -q "^loaded" && is_png "$work/seed_3.png"; }

repaint() { run_example image_to_image "$root/docs/images/demo.png" "$1" "$2" && is_png "$work/$2"; }
differ() { ! cmp -s "$work/$1" "$work/$2"; }
refuses_strength() { ! repaint "$1" n.png 2>"$work/err" && grep -q '"strength"' "$work/err" && [ ! -e "$work/n.png" ]; }

smaller() { [ "$(du -sb "$1" | cut -f1)" -lt "$(du -sb "$2" | cut -f1)" ]; }
refuses() { ! "$@" 2>"$work/err" && grep -q '"weights"' "$work/err" && [ ! -e "$3" ]; }

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
try "make install" make -f "$root/packaging/install.mk" install PREFIX="$prefix" LIBRARY="$library"
try "with OpenBLAS" cmp "$(dirname "$library")/libpixart-blas.so.1" "$prefix/lib/libpixart-blas.so.1"
try "the links lead to the library" test "$(readlink "$prefix/lib/libpixart.so")" = libpixart.so.1
try "examples build through pkg-config" by_pkg_config
if command -v cmake >/dev/null; then try "a host builds through CMake" by_cmake "$prefix" "$prefix/lib"; fi
try "dlopen reports the version of pixart.pc" by_dlopen
try "text_to_image runs" run_example text_to_image a.png
try "its image is a PNG" is_png "$work/a.png"
try "reuse_embedding runs" run_example reuse_embedding e.safetensors
try "and reuses its file" reuses
try "drive_sampler runs" run_example drive_sampler d.png
try "and makes the same image" same_pixels "$work/a.png" "$work/d.png"
try "which text_to_image signs" grep -qa "a cute cat face on a blue background" "$work/a.png"
try "image_to_image runs" repaint 0.1 near.png
try "and with more strength" repaint 0.8 far.png
try "which makes another image" differ near.png far.png
try "image_to_image refuses what is no strength" refuses_strength 2
try "convert_checkpoint runs" "$work/convert_checkpoint" "$model" "$work/int8" int8
try "and makes a smaller checkpoint" smaller "$work/int8/transformer" "$model/transformer"
try "which text_to_image runs" "$work/text_to_image" "$work/int8" "a cute cat face on a blue background" "$work/i.png"
try "its image is a PNG too" is_png "$work/i.png"
try "convert_checkpoint refuses what is no precision" refuses "$work/convert_checkpoint" "$model" "$work/int2" int2
try "make install without OpenBLAS" make -f "$root/packaging/install.mk" install PREFIX="$work/small" LIBRARY="$library" BLAS=
try "leaves it out" test ! -e "$work/small/lib/libpixart-blas.so.1" -a -e "$work/small/lib/libpixart.so.1"
try "licences are installed" licences "$prefix/share/doc/pixart"
try "a prefix can be moved" moves
try "and is stripped by install-strip" stripped "$work/moved/to/lib64/libpixart.so.1"
try "folders outside the prefix" apart
try "make uninstall" make -f "$root/packaging/install.mk" uninstall PREFIX="$prefix" LIBRARY="$library"
try "which leaves nothing" test -z "$(find "$prefix" -type f -o -type l)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

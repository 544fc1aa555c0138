#!/usr/bin/env bash
# Installs the Debian packages in a fresh Debian 12, uses them as a C host and as Python do, and removes them. Needs root,
# debootstrap, lintian and the network. Closes with "N passed, N failed".
#
#   test_deb.sh FOLDER          the folder that `make deb` wrote
set -u
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(realpath "$1")
work=$(mktemp -d)
system=$work/system
passed=0 failed=0
finish() { umount "$system/proc" 2>/dev/null; rm -rf --one-file-system "$work"; }
trap finish EXIT

# try NAME COMMAND...: prints one line, and the command's output if it fails
try() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1)) && echo "ok   deb: $name"
    else
        failed=$((failed + 1)) && echo "FAIL deb: $name" && tail -20 "$work/log" | sed 's/^/     /'
    fi
}

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$system" "$@"; }
install() { inside apt-get install -y -qq --no-install-recommends "$@"; }
packages() { (cd "$folder" && ls ./*.deb); }
names() { for file in "$folder"/*.deb; do dpkg-deb -f "$file" Package; done; }
files() { (cd "$system" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var -o -path ./root \) -prune -o -print | sort); }
without_errors() { lintian --allow-root --fail-on error,warning "$folder"/*.changes && ! [ -s "$work/log" ]; }

bootstrap() {
    debootstrap --variant=minbase bookworm "$system" && mount -t proc proc "$system/proc" &&
        cp "$folder"/*.deb "$root/examples/c/text_to_image.c" "$here/use_installed.py" "$system/tmp" &&
        cp -r "$root/models/emoji" "$system/tmp/emoji" && inside apt-get update -qq
}

c_host() {
    inside sh -c 'cd /tmp && cc -std=c11 -Wall -Werror text_to_image.c $(pkg-config --cflags --libs pixart) -o host &&
        ./host emoji "a cute cat face on a blue background" c.png && head -c 4 c.png | grep -q PNG'
}
needs_no_flags() { [ "$(inside pkg-config --cflags --libs pixart)" = "-lpixart " ]; }
by_cmake() {
    inside sh -c 'mkdir /tmp/cmake && cd /tmp/cmake && cat >CMakeLists.txt && cmake . && cmake --build .' <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(host C)
find_package(pixart 1.0 CONFIG REQUIRED)
add_executable(host /tmp/text_to_image.c)
target_link_libraries(host PRIVATE pixart::pixart)
CMAKE
}
python_host() { inside python3 /tmp/use_installed.py /tmp/p.png; }
same_image() { [ -s "$1" ] && [ -s "$2" ] && cmp <(tail -c $(($(stat -c %s "$2") - 33)) "$1") <(tail -c +34 "$2"); }
command_works() {
    inside pixart --version && inside test -s /usr/share/man/man1/pixart.1.gz &&
        inside sh -c 'cd /tmp && pixart generate "a cute cat face on a blue background" -o command.png && test -s command.png'
}
remove() { inside apt-get purge -y -qq $(names) && inside apt-get autoremove -y -qq --purge; }
nothing_left() { ! inside dpkg-query -l $(names) 2>/dev/null | grep '^[a-z]i' && [ -z "$(files | grep -i pixart)" ]; }
no_differences() { diff "$work/before" <(files); }

ls "$folder"/*.deb >/dev/null || { echo "$folder has no packages: make deb"; exit 1; }
[ "$(id -u)" -eq 0 ] || { echo "test_deb.sh needs root, for a chroot"; exit 1; }
try "lintian finds nothing" without_errors
try "a fresh Debian 12" bootstrap
try "a compiler, for the host" install gcc libc6-dev pkg-config cmake make python3 python3-numpy
files >"$work/before"
try "the packages of the library" install $(cd "$folder" && ls ./libpixart*.deb | sed 's|^\.|/tmp|')
try "pkg-config needs no path" needs_no_flags
try "a C host builds, and makes an image" c_host
try "a host builds through CMake" by_cmake
try "the packages of Python" install $(packages | sed 's|^\.|/tmp|')
try "Python makes an image with the model of the package" python_host
try "which has the same pixels" same_image "$system/tmp/c.png" "$system/tmp/p.png"
if names | grep -qx pixart; then try "the command" command_works; fi
try "the packages are removed" remove
try "no file of theirs is left" nothing_left
try "and none of the system's is missing" no_differences
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

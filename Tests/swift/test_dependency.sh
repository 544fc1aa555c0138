#!/usr/bin/env bash
# Depends on this package as a stranger would: by the URL of a git repository and a version. Builds a program in release
# mode and compares its image with the one that the C interface makes. Closes with "N passed, N failed".
#
#   test_dependency.sh MODEL
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
model=$(realpath "$1")
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try NAME COMMAND...: prints one line, and the command's output if it fails
try() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1)) && echo "ok   swift package: $name"
    else
        failed=$((failed + 1)) && echo "FAIL swift package: $name" && tail -20 "$work/log" | sed 's/^/     /'
    fi
}

# The files of the tree, as the version 1.0.0 of a repository.
publish() {
    mkdir -p "$work/libpixart" &&
        git -C "$root" ls-files -z | tar -C "$root" --null --files-from=- -c | tar -C "$work/libpixart" -x &&
        cd "$work/libpixart" && git init -q && git add -A &&
        git -c user.name=test -c user.email=test@localhost commit -q -m "Release 1.0.0" && git tag 1.0.0
}

program() {
    mkdir -p "$work/host/Sources/host" && cp "$root/Tests/PixArtTests/Resources/cat.png" "$work/golden.png" &&
        cat >"$work/host/Package.swift" <<SWIFT &&
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "host",
    dependencies: [.package(url: "file://$work/libpixart", from: "1.0.0")],
    targets: [.executableTarget(name: "host", dependencies: [.product(name: "PixArt", package: "libpixart")])])
SWIFT
        cat >"$work/host/Sources/host/main.swift" <<'SWIFT'
import PixArt

let arguments = CommandLine.arguments
let pipeline = Pipeline(
    model: arguments[1], textEncoder: ["reproducible": true], denoiser: ["reproducible": true],
    imageDecoder: ["reproducible": true])
let image = try await pipeline.generate(
    prompt: "a cute cat face on a blue background", options: ["num_inference_steps": 4, "seed": 7])
print(try image == Image(contentsOf: arguments[2]) ? "equal" : "different")
SWIFT
}

build() {
    cd "$work/host" && swift build -c release --cache-path "$work/cache" >"$work/build.log" 2>&1 || {
        grep -E "error|warning" "$work/build.log" || tail -20 "$work/build.log"
        return 1
    }
}
no_warnings() { ! grep "warning:" "$work/build.log"; }
equal() { [ "$("$work/host/.build/release/host" "$model" "$work/golden.png")" = equal ]; }
# Only Swift's own libraries and the system's.
self_contained() { ! ldd "$work/host/.build/release/host" | grep -E "pixart|json-c|png|pcre|utf8proc|blas|not found"; }

try "a repository with the tag 1.0.0" publish
program || exit 1
try "swift build -c release, by URL and version" build
try "no warnings" no_warnings
try "the image of the C interface" equal
try "no library beside Swift's and the system's" self_contained
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

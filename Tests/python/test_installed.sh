#!/usr/bin/env bash
# Installs the Python package as a user would, from the tree and editable, and runs the Python examples with it. Then
# tries to install without what the build needs. Closes with "N passed, N failed".
#
#   test_installed.sh LIBRARY MODEL PYTHON
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(realpath "$1") model=$(realpath "$2") python=$3
image=$root/docs/images/demo.png
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try NAME COMMAND...: prints one line, and the command's output if it fails
try() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1)) && echo "ok   python: $name"
    else
        failed=$((failed + 1)) && echo "FAIL python: $name" && tail -20 "$work/log" | sed 's/^/     /'
    fi
}

# environment NAME: a new one, which borrows numpy and tqdm from the one that PYTHON belongs to
environment() { "$python" -m venv --system-site-packages "$work/$1"; }
install() { environment venv && PIXART_LIBRARY=$library "$work/venv/bin/pip" install -q --no-deps "$root/bindings/python"; }
# The package does not lie in the tree, and has its own library, model and licences.
complete() {
    (cd "$work" && PYTHONPATH=$site "$work/venv/bin/python" - "$root" <<'PYTHON')
import importlib.metadata, pathlib, sys
import pixart
from pixart._core.library import _places
from pixart._models import default_model
root, package = pathlib.Path(sys.argv[1]), pathlib.Path(pixart.__file__).parent
assert root not in package.parents and _places()[0] == str(package / "libpixart.so.1")
assert default_model() == package / "models" / "emoji"
number = (root / "VERSION").read_text().strip()
assert number == pixart.__version__ == pixart.version() == importlib.metadata.version("pixart")
licences = {str(file) for file in importlib.metadata.files("pixart") if "licenses" in str(file)}
assert {pathlib.PurePath(each).name for each in licences} == {"LICENSE", "THIRD-PARTY"}
PYTHON
}
install_editable() {
    environment editable && PIXART_LIBRARY=$library "$work/editable/bin/pip" install -q --no-deps -e "$root/bindings/python"
}
finds_the_build() {
    [ "$(cd "$work" && PYTHONPATH=$site "$work/editable/bin/python" -c \
        'import pixart._core.library as library; print(library._places()[0])')" = "$root/.build/release/libpixart.so" ]
}
untracked() { git -C "$root" status --porcelain --untracked-files=all; }
same_tree() { diff <(printf %s "$before") <(printf %s "$(untracked)"); }

# A tree without a build, and an environment without the programs named in the arguments.
unbuilt() {
    mkdir -p "$work/tree/models" && cp -r "$root"/{VERSION,LICENSE,THIRD-PARTY,Makefile,packaging} "$work/tree" &&
        mkdir "$work/tree/bindings" && cp -r "$root/bindings/python" "$work/tree/bindings/" &&
        environment bare && mkdir "$work/programs" &&
        ln -s "$(command -v bash)" "$(command -v sh)" "$(command -v make)" "$work/programs/"
}
# refuses WORDS COMMAND...: it fails, and its output has each of the words
refuses() {
    local words=$1 word
    ! "${@:2}" >"$work/refusal" 2>&1 || return
    for word in $words; do grep -q -- "$word" "$work/refusal" || { cat "$work/refusal" && return 1; }; done
}
pip_in_tree() { (cd "$work/tree" && PATH=$work/programs "$work/bare/bin/pip" install --no-deps ./bindings/python); }
old_swift() {
    printf '#!/bin/sh\necho "Swift version 5.9.2 (swift-5.9.2-RELEASE)"\n' >"$work/programs/swift" &&
        chmod +x "$work/programs/swift"
}
without_packages() { printf '#!/bin/sh\nexit 1\n' >"$work/programs/dpkg-query" && chmod +x "$work/programs/dpkg-query"; }
no_package() { ! "$work/bare/bin/python" -c 'import importlib.metadata; importlib.metadata.version("pixart")'; }
missing_library() { PIXART_LIBRARY=$work/none.so pip_in_tree; }
other_version() { (echo 1.99.0 >"$work/tree/VERSION" && PIXART_LIBRARY=$library pip_in_tree); }
build_sources() {
    (cd "$root/bindings/python" && "$work/venv/bin/python" -c \
        'import setuptools.build_meta as backend; backend.build_sdist("'"$work"'")')
}

example() { (cd "$work" && PYTHONPATH=$site "$work/venv/bin/python" "$root/examples/python/$1" --model "$model" "${@:2}"); }
images() { [ "$(find "$work" -maxdepth 2 -name '*.png' -size +200c | wc -l)" -ge 14 ]; }
# Compares source, mask, result and blended: only the left half of the blended image equals the source's.
repainted() {
    (cd "$work" && PYTHONPATH=$site "$work/venv/bin/python" - <<'PYTHON')
import pixart
source, _, result, blended = (pixart.read_image("inpaint.png")[:, start : start + 128] for start in range(0, 512, 128))
assert (blended[:, :64] == source[:, :64]).all() and (result[:, :64] != source[:, :64]).any()
assert (blended[:, 64:] == result[:, 64:]).all() and (result[:, 64:] != source[:, 64:]).mean() > 0.5
PYTHON
}

site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
before=$(untracked)
unset PIXART_LIBRARY
try "pip install ./bindings/python" install
try "installs library, model and licences of one version" complete
try "pip install -e ./bindings/python" install_editable
try "finds the build of the tree" finds_the_build
try "a tree without a build" unbuilt
try "is refused without Swift" refuses "Swift.6.2 swift..is.not.on.PATH PIXART_LIBRARY" pip_in_tree
try "a Swift that is too old" old_swift
try "is refused too" refuses "swift.*is.5.9" pip_in_tree
try "a Debian without packages" without_packages
try "is refused with their names" refuses "libpng-dev libjson-c-dev make.deps" pip_in_tree
try "a library that is not there is refused" refuses "none.so" missing_library
try "a library of another version is refused" refuses "this.package.is.1.99.0" other_version
try "no package was installed" no_package
try "setuptools, which pip would bring" "$work/venv/bin/pip" install -q 'setuptools>=77'
try "a source distribution is refused" refuses "make.wheel" build_sources
try "the tree has no new files" same_tree
try "text_to_image.py" example text_to_image.py
try "reuse_embedding.py" example reuse_embedding.py
try "drive_sampler.py" example drive_sampler.py
try "write_prompt.py" example write_prompt.py --style Anime --output prompt.png
try "preview_run.py" example preview_run.py
try "image_to_image.py" example image_to_image.py --image "$image"
try "inpaint.py" example inpaint.py --image "$image"
try "which keeps the rest of the image" repainted
try "compare_schedulers.py" example compare_schedulers.py --schedulers DDIM HeunDiscrete --steps 2 3
try "compare_guidance.py" example compare_guidance.py --guidance 1 4.5 --seeds 0 1
try "images were written" images
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

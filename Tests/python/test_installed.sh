#!/usr/bin/env bash
# Installs the Python package as a user would, with the library inside, and runs the Python examples with it. Closes with
# "N passed, N failed".
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

install() {
    cp -r "$root/bindings/python" "$work/package" && cp "$library" "$work/package/src/pixart/libpixart.so.1" &&
        "$python" -m venv --system-site-packages "$work/venv" &&
        PYTHONPATH=$site "$work/venv/bin/pip" install -q "$work/package"
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

# The new environment borrows numpy and tqdm from the one that PYTHON belongs to.
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
unset PIXART_LIBRARY
try "pip install ./bindings/python" install
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

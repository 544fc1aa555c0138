"""Files that are larger or deeper than any real one, or have more values. They are refused by name, in little memory.

Each is opened in a separate process that measures its memory."""

import json
import pathlib
import shutil
import struct

import pytest

MEBIBYTE = 1 << 20
FORMAT, MODEL = 202, 203  # as in pixart.h

# Opens a model or loads a tensor, and prints the error and the growth in bytes.
PROBE = r"""
import ctypes, json, re, sys
import pixart
from pixart._core.library import PROGRESS, library
verb, path = sys.argv[1:]
loaded, out, failure = library(), (ctypes.c_void_p * 1)(), None
peak = lambda: 1024 * int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])  # of this process alone
before = peak()
try:
    if verb == "load":
        loaded.pixart_tensors_load(path.encode(), 1, (ctypes.c_char_p * 1)(b"x"), out)
    else:
        getattr(loaded, f"pixart_{verb}_open")(path.encode(), b'{"threads": 1}', PROGRESS(), None, out)
except pixart.PixArtError as error:
    failure = [error.status, str(error)]
print(json.dumps([failure, peak() - before]))
"""

# The texts: the beginning, the repeated part and the end.
FILLINGS = {
    "objects": ("[", "{},", "0]"),
    "full objects": ("[", '{"a":1},', "0]"),
    "arrays": ("[", "[],", "0]"),
    "full arrays": ("[", "[1],", "0]"),
    "numbers": ("[", "1,", "0]"),
    "fractions": ("[", "1.5,", "0]"),
    "strings": ("[", '"",', '""]'),
    "members": ("{", '"%08x":{},', '"x":0}'),
    "one string": ('"', "x", '"'),
    "escapes": ('"', "\\u00e9", '"'),
    "one name": ('{"', "x", '":0}'),
    "deep arrays": ("", "[", ""),
    "deep objects": ("", '{"a":', ""),
    "one number": ("", "1", ""),
    "spaces": ("[", " ", "0]"),
}


def text(filling, size):
    start, unit, end = FILLINGS[filling]
    length = len(unit % 0 if "%" in unit else unit)
    count = (size - len(start) - len(end)) // length
    units = "".join(unit % index for index in range(count)) if "%" in unit else unit * count
    return (start + units + end).encode()


@pytest.fixture
def probe(run_python):
    """The error of opening a path, as a status and a message, or None. The process must not grow by more than 300
    MB."""

    def opened(verb, path):
        run = run_python(PROBE, verb, path)
        assert run.returncode == 0 and run.stderr == ""
        failure, growth = json.loads(run.stdout)
        assert growth < 300e6
        return failure

    return opened


@pytest.fixture
def refuses(probe):
    def refused(verb, path, file, *statuses):
        status, message = probe(verb, path)
        assert status in (statuses or [FORMAT]) and str(file) in message
        return message

    return refused


@pytest.fixture
def folder(model, tmp_path):
    shutil.copytree(model, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("filling", FILLINGS)
def test_configurations(refuses, folder, filling):
    path = folder / "transformer" / "config.json"
    path.write_bytes(text(filling, 4 * MEBIBYTE))
    refuses("denoiser", folder, path, FORMAT, MODEL)


@pytest.mark.parametrize("filling", FILLINGS)
def test_headers(refuses, tmp_path, filling):
    header = b'{"x":' + text(filling, 16 * MEBIBYTE - 6) + b"}"
    path = tmp_path / "file.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    refuses("load", path, path)


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{}," * 65_000 + "0]",
        "[" + '{"a":1},' * 65_000 + "0]",
        "[" + '{"a":{}},' * 32_000 + "0]",
        "[" + "[]," * 131_000 + "0]",
        "[" + "[[]]," * 87_000 + "0]",
        "[" + '"",' * 262_000 + "0]",
        "[" + "1.5," * 262_000 + "0]",
        "{" + "".join(f'"{index:08x}":{{}},' for index in range(65_000)) + '"x":0}',
        "[" + "{}," * 65_000 + "[]," * 65_000 + "0]",
    ],
    ids=["objects", "full", "nested", "arrays", "deep", "strings", "numbers", "members", "mixed"],
)
def test_fullest_texts(refuses, folder, text):
    """A file just within the limits is read."""
    path = folder / "transformer" / "config.json"
    path.write_text(text)
    refuses("denoiser", folder, path, MODEL)


OTHERS = ["objects", "arrays", "members", "one string", "one name", "deep objects"]


@pytest.mark.parametrize("filling", OTHERS)
def test_tokenizers(refuses, folder, filling):
    (folder / "tokenizer" / "spiece.model").unlink()
    path = folder / "tokenizer" / "tokenizer.json"
    path.write_bytes(b'{"model":{"type":"Unigram","vocab":' + text(filling, 10_000_000) + b"}}")
    refuses("encoder", folder, path, FORMAT, MODEL)


@pytest.mark.parametrize("filling", OTHERS)
def test_indices(refuses, folder, filling):
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    path.write_bytes(b'{"weight_map":' + text(filling, 10_000_000) + b"}")
    refuses("denoiser", folder, path)


@pytest.mark.parametrize("file", ["model_index.json", "transformer/config.json", "scheduler/scheduler_config.json"])
@pytest.mark.parametrize("filling", ["objects"])
def test_large_configurations(refuses, folder, file, filling):
    (folder / file).write_bytes(text(filling, 10_000_000))
    assert f"expected at most {4 * MEBIBYTE}" in refuses("denoiser", folder, folder / file)


@pytest.mark.parametrize("filling", ["arrays", "strings", "numbers", "deep arrays"])
def test_large_headers(refuses, tmp_path, filling):
    header = b'{"x":' + text(filling, 50_000_000) + b"}"
    path = tmp_path / "file.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert f"expected 1 to {16 * MEBIBYTE}" in refuses("load", path, path)


def test_ten_thousand_tensors(probe, tmp_path):
    """Far more tensors than the networks have."""
    header = {
        f"encoder.block.{index}.layer.0.SelfAttention.q.weight": {
            "dtype": "U8",
            "shape": [1, 1, 1, 1],
            "data_offsets": [index, index + 1],
        }
        for index in range(10_000)
    }
    header["x"] = {"dtype": "U8", "shape": [1], "data_offsets": [10_000, 10_001]}
    written = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path = tmp_path / "file.safetensors"
    path.write_bytes(struct.pack("<Q", len(written)) + written + bytes(10_001))
    assert probe("load", path) is None


def test_large_vocabulary(probe, folder):
    """Twice as large as T5's: it is read, and refused only because the embedding table lacks rows for it."""
    place = "Tests/PixArtFormatsTests/Resources/emoji-tokenizer/tokenizer.json"
    root = next(parent for parent in pathlib.Path(__file__).resolve().parents if (parent / place).is_file())
    tokenizer = json.loads((root / place).read_text())
    tokenizer["model"]["vocab"] += [[f"piece{index}", -20] for index in range(64_000)]
    (folder / "tokenizer" / "spiece.model").unlink()
    (folder / "tokenizer" / "tokenizer.json").write_text(json.dumps(tokenizer))
    failure = probe("encoder", folder)
    assert failure is None or "vocab_size" in failure[1]

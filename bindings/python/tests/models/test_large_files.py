"""Files far larger than the weights in them: what is not wanted is not read, and offsets pass 4 GiB."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile

import architectures
import forms
import gguf_files
import numpy as np
import pickle_files
import pytest
import tensor_names
import tokenizers
from element_types import Stored, decode, encode, read_safetensors, safetensors_header

import pixart

GIBIBYTE = 1 << 30


class Hole:
    """Bytes of a tensor that are not written: a hole of the file."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size


def write_sparse(path, head, offsets, tensors):
    with open(path, "wb") as file:
        file.write(head)
        for name, stored in tensors.items():
            if not isinstance(stored.data, Hole):
                file.seek(len(head) + offsets[name])
                file.write(stored.data)
        file.truncate(max(len(head) + offsets[name] + len(stored.data) for name, stored in tensors.items()))


def behind_a_hole(tensors, name):
    """Tensors of which one, that no encoder uses, is of 5 GiB and comes before some of the others."""
    hole = Stored("F32", (5, GIBIBYTE // 4), Hole(5 * GIBIBYTE))
    names = list(tensors)
    half = len(names) // 2
    return {
        **{key: tensors[key] for key in names[:half]},
        name: hole,
        **{key: tensors[key] for key in names[half:]},
    }


@pytest.mark.parametrize("form", ["safetensors", "gguf"])
def test_tensors_behind_4_gibibytes(tmp_path, form):
    random = np.random.default_rng(6)
    network = architectures.text_encoder(random, 32)
    words = tokenizers.vocabulary(random)
    path = tmp_path / "model"
    if form == "gguf":
        stored = {name: encode(values, "F32") for name, values in network.tensors.items()}
        renamed = {tensor_names.llama(name): item for name, item in stored.items()}
        tensors = behind_a_hole(renamed, "dec.blk.0.attn_q.weight")
        keys = {"general.architecture": (gguf_files.STRING, "t5encoder")}
        write_sparse(path, *gguf_files.lists(tensors, keys), tensors)
    else:
        stored = {name: encode(values, "F16") for name, values in network.tensors.items()}
        tensors = behind_a_hole(stored, "decoder.block.0.layer.0.SelfAttention.q.weight")
        write_sparse(path, *safetensors_header(tensors), tensors)
    forms.add_tokenizer(tmp_path, words)
    assert path.stat().st_size > 5 * GIBIBYTE > 100 * 512 * path.stat().st_blocks
    pixart.convert(path, tmp_path / "out", weights="float32", threads=1, **forms.given(network))
    (file,) = (tmp_path / "out" / "text_encoder").glob("*.safetensors")
    for name, found in read_safetensors(file).items():
        assert np.array_equal(decode(found), decode(stored[name])), name
    with pixart.Encoder(path, threads=1, **forms.given(network)) as encoder:
        assert np.isfinite(encoder.encode("a cat")).all()
    assert 512 * path.stat().st_blocks < 100 << 20


PAGE = 4096


def write_without_zeros(path, content):
    """Writes a file in which pages of zeros are holes."""
    with open(path, "wb") as file:
        for start in range(0, len(content), PAGE):
            page = content[start : start + PAGE]
            if page.count(0) < len(page):
                file.seek(start)
                file.write(page)
        file.truncate(len(content))


def resident_bytes(path):
    """Bytes of a mapped file that this process has touched."""
    total, inside = 0, False
    with open("/proc/self/smaps") as file:
        for line in file:
            fields = line.split()
            if not fields[0].endswith(":"):
                inside = fields[-1] == str(path)
            elif inside and fields[0] == "Rss:":
                total += 1024 * int(fields[1])
    return total


@pytest.fixture
def memory_folder():
    """A folder in memory: there the system maps no page of a hole that is not touched."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield pathlib.Path(folder)


@pytest.mark.parametrize("is_legacy", [False, True])
def test_training_checkpoints_touch_no_more_than_their_weights(memory_folder, is_legacy):
    """A moving average and an optimizer's state make a checkpoint of four times the size of its weights."""
    random = np.random.default_rng(7)
    network = architectures.transformer(random, 120, fewest=4)
    own = {name: encode(values, "F32") for name, values in tensor_names.original(network.tensors).items()}
    zeros = {name: dataclasses.replace(item, data=bytes(len(item.data))) for name, item in own.items()}

    def wrap(body, average, first, second):
        moments = zip(first.values(), second.values(), strict=True)
        state = {str(index): {"exp_avg": one, "exp_avg_sq": other} for index, (one, other) in enumerate(moments)}
        return {"state_dict": body, "state_dict_ema": average, "optimizer": {"state": state}, "epoch": 3}

    path = memory_folder / "epoch_3.pth"
    content = pickle_files.checkpoint(random, [own, zeros, zeros, zeros], wrap, is_legacy=is_legacy)
    write_without_zeros(path, content)
    weights = sum(len(item.data) for item in own.values())
    assert len(content) > 4 * weights
    prompt = random.standard_normal((3, network.config["caption_channels"])).astype(np.float32)
    run = {"guidance_scale": 1.0, "height": 32, "width": 32, "num_inference_steps": 1, "use_resolution_binning": False}
    with pixart.Denoiser(path, threads=1, **forms.given(network)) as denoiser:
        denoiser.denoise(prompt, **run)
        touched = resident_bytes(path)
    # The pickle, and a page at each end of a storage. The legacy form has the size of each storage before it.
    storages = 4 * len(own) if is_legacy else len(own)
    most = weights + 2 * PAGE * storages + (128 << 10)
    assert weights / 2 < touched < most < len(content) / 2

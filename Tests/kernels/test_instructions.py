"""The instructions of the compiled kernels: each set has those of its processors, and no others."""

import pathlib
import re
import subprocess

import pytest
from libraries import HERE

AVX512 = {"avx512", "avx512_vnni", "avx512_bf16", "amx"}
AVX2 = {"avx2", "avx_vnni"}
VNNI = {"avx_vnni", "avx512_vnni", "avx512_bf16", "amx"}
# Instructions and registers by the sets that have them. Each set has some of each.
ONLY_IN = {
    r"\bldtilecfg\b": {"amx"},
    r"\btilerelease\b": {"amx"},
    r"\btilezero\b": {"amx"},
    r"\btileloadd\b": {"amx"},
    r"\btilestored\b": {"amx"},
    r"\btdp\w+": {"amx"},
    r"%tmm\d": {"amx"},
    r"\bvdpbf16ps\b": {"avx512_bf16"},
    r"\bvcvtne2?ps2bf16\b": {"avx512_bf16", "amx"},
    r"\bvpdpbusd\b": VNNI,
    r"%zmm\d": AVX512,
    r"%[xyz]mm(1[6-9]|2\d|3[01])\b": AVX512,  # of AVX-512's encoding
    r"%k[0-7]\b": AVX512,
    r"%ymm\d": AVX512 | AVX2,
    r"\bvfn?m(add|sub)\w+": AVX512 | AVX2,
    r"\bv[a-z]\w+": AVX512 | AVX2,  # all of AVX's encoding
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def instructions():
    """The disassembly of every object, by its name."""
    objects = output("make", "-s", "-C", HERE, "objects").split()
    objdump = ["objdump", "-d", "--no-show-raw-insn", "--no-addresses"]
    return {pathlib.Path(path).stem: output(*objdump, path) for path in objects}


def test_every_set_is_there(instructions):
    assert set(instructions) >= AVX512 | AVX2 | {"portable", "reproducible", "dispatch"}


@pytest.mark.parametrize("pattern", ONLY_IN)
def test_a_set_has_no_more_than_its_processors(instructions, pattern):
    found = {name for name, text in instructions.items() if re.search(pattern, text)}
    assert found == ONLY_IN[pattern]


@pytest.mark.parametrize("name", ["tdpbusd", "tdpbf16ps", "tdpbssd", "tdpbsud"])
def test_tiles_multiply_int8_and_bfloat16(instructions, name):
    assert re.search(rf"\b{name}\b", instructions["amx"])

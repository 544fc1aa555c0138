"""The kernels of int8 attention on every instruction set, against the definition in numpy: equal to the bit.

AVX-512 is computed by SIMDe and AMX by the model in emulated_tiles.h, so that their kernels are tested on every x86-64.
"""

import ctypes

import numpy as np
import pytest
from int8_attention import attention
from libraries import AVX2, EMULATED, KERNELS, bfloat16, library

SETS = {
    "portable": ("portable/attention_tiles.h", []),
    "avx2": ("x86/avx2/attention_avx2.h", AVX2),
    "avx512_vnni": ("x86/avx512/attention_vnni.h", EMULATED),
    "amx": ("x86/amx/attention_amx.h", EMULATED),
}
FLOAT32, BFLOAT16 = 0, 1
CHANNELS = 80


@pytest.fixture(scope="module", params=SETS)
def attend(request, tmp_path_factory):
    """A function of query, key, value, scale and the type of rows, which computes one head."""
    header, flags = SETS[request.param]
    definition = f'-DKERNEL_HEADER="{KERNELS / header}"'
    kernel = library(tmp_path_factory.mktemp("kernels"), "int8_attention.c", *flags, definition).attend
    kernel.argtypes = [ctypes.c_size_t] * 3 + [ctypes.c_float] + [ctypes.c_void_p] * 3 + [ctypes.c_size_t]
    kernel.argtypes += [ctypes.c_int] + [ctypes.c_void_p] * 3

    def run(query, key, value, scale, rows=FLOAT32):
        """Rows are 8 elements longer than the head. What follows the output is not written."""
        width = query.shape[1]
        number = np.float32 if rows == FLOAT32 else np.uint16
        padded = [aligned((len(x), width + 8), number) for x in (query, key, value, query)]
        for target, x in zip(padded, (query, key, value, query), strict=True):
            target[:, :width] = x if rows == FLOAT32 else x.view(np.uint32) >> 16
            target[:, width:] = 77
        head = aligned((len(key) // 64 + 2) * (2 * 64 * CHANNELS + 64), np.uint8)
        scratch = aligned(512 * 1024, np.uint8)
        head[:] = scratch[:] = 0xFF
        kernel(
            len(query), len(key), width, scale, *(x.ctypes.data for x in padded[:3]), padded[0].strides[0], rows,
            head.ctypes.data, scratch.ctypes.data, padded[3].ctypes.data,
        )  # fmt: skip
        assert (padded[3][:, width:] == 77).all()
        return padded[3][:, :width].copy()

    return run


def aligned(shape, number):
    bytes_needed = int(np.prod(shape)) * np.dtype(number).itemsize
    raw = np.empty(bytes_needed + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + bytes_needed].view(number).reshape(shape)


def gaussian(random, queries, keys, width, spread=1.0, offset=0.5):
    shapes = (queries, width), (keys, width), (keys, width)
    query, key, value = (bfloat16(random.normal(size=shape)) for shape in shapes)
    return bfloat16(query * np.float32(spread)), key, bfloat16(value + np.float32(offset))


SHAPES = [
    (1, 1, 1), (7, 1, 72), (1, 64, 72), (5, 65, 4), (60, 63, 6), (61, 128, 16), (13, 130, 17), (481, 200, 72),
    (96, 1024, 72), (12, 77, 78), (12, 300, 79), (30, 100, 32), (30, 100, 31), (120, 191, 64),
]  # fmt: skip


@pytest.mark.parametrize(("queries", "keys", "width"), SHAPES)
def test_equals_the_definition(attend, queries, keys, width):
    query, key, value = gaussian(np.random.default_rng(queries + keys), queries, keys, width, spread=3)
    expected = attention(query, key, value, width**-0.5)
    assert np.array_equal(attend(query, key, value, width**-0.5), expected)
    halves = attend(query, key, value, width**-0.5, BFLOAT16)
    assert np.array_equal(halves.astype(np.uint32) << 16, bfloat16(expected).view(np.uint32))


@pytest.mark.parametrize("scale", [1e-6, 0.02, 1, 30, 1e4])
def test_equals_the_definition_with_flat_and_steep_weights(attend, scale):
    query, key, value = gaussian(np.random.default_rng(1), 64, 150, 24)
    assert np.array_equal(attend(query, key, value, scale), attention(query, key, value, scale))


def test_extreme_rows(attend):
    """Rows of zeros, equal keys, the largest sums, and a channel without spread."""
    query, key, value = gaussian(np.random.default_rng(2), 24, 140, 72)
    query[3] = 0
    query[4], key[5], key[6] = 1, 1, -1
    key[64:128] = key[64]
    value[:, 7] = 2.5
    assert np.array_equal(attend(query, key, value, 0.3), attention(query, key, value, 0.3))
    same = np.broadcast_to(key[:1], key.shape).copy()
    assert np.array_equal(attend(query, same, value, 0.3), attention(query, same, value, 0.3))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_numbers_that_are_not_finite_stay_visible(attend, part):
    rows = gaussian(np.random.default_rng(3), 8, 70, 16)
    rows[part][5, 2] = np.nan
    output = attend(*rows, 0.25)
    assert np.isnan(output[5] if part == 0 else output[:, 2]).all()


def exact(query, key, value, scale):
    score = query.astype(float) @ key.astype(float).T * scale
    weight = np.exp(score - score.max(1, keepdims=True))
    return weight @ value.astype(float) / weight.sum(1, keepdims=True)


def local(random, keys, queries):
    """Keys with a bias, which resemble their neighbours in an image; queries like some of them."""
    side = int(keys**0.5)
    places = np.stack(np.mgrid[0:side, 0:side], -1).reshape(-1, 2)
    phases = places @ (random.normal(size=(2, 36)) * 0.05)
    features = 3 * np.concatenate([np.cos(phases), np.sin(phases)], 1)
    key = features + 0.3 * random.normal(size=(keys, 72)) + 2 * random.normal(size=72)
    query = features + 0.3 * random.normal(size=(keys, 72))
    return query[random.choice(keys, queries, replace=False)], key, random.normal(size=(keys, 72))


def sinks(random, keys, queries, gap):
    """Four keys whose scores are `gap` above the others', and whose values are small."""
    query, key = random.normal(size=(queries, 72)), 0.7 * random.normal(size=(keys, 72))
    value = random.normal(size=(keys, 72)) + 1
    some = random.choice(keys, 4, replace=False)
    query[:, 0], key[:, 0] = 6, 0
    key[some, 0] = gap * 72**0.5 / 6
    value[some] *= 0.1
    return query, key, value


DISTRIBUTIONS = {
    "scores of deviation 1": (lambda random: gaussian(random, 48, 4096, 72, offset=0), 0.0125, 0.021),
    "scores of deviation 2": (lambda random: gaussian(random, 48, 4096, 72, 2.0, offset=0), 0.017, 0.03),
    "local attention, biased keys": (lambda random: local(random, 4096, 48), 0.017, 0.03),
    "four sinks of 6.5": (lambda random: sinks(random, 4096, 48, 6.5), 0.005, 0.01),
    "four sinks of 8": (lambda random: sinks(random, 4096, 48, 8.0), 0.012, 0.025),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_error(attend, name):
    """The error against exact attention has the size that docs/numerics.md states: two-sided."""
    make, least, most = DISTRIBUTIONS[name]
    rows = [bfloat16(x) for x in make(np.random.default_rng(0))]
    expected = exact(*rows, 72**-0.5)
    error = np.linalg.norm(attend(*rows, 72**-0.5) - expected) / np.linalg.norm(expected)
    print(f"{name}: {error:.2e}")
    assert least < error < most

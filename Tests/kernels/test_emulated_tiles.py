"""The model of AMX's tiles itself: what it computes, and what it refuses."""

import ctypes
import faulthandler
import os
import resource
import signal

import numpy as np
import pytest
from libraries import EMULATED, bfloat16, functions, guarded, library

INT, POINTER, SIZE = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t
PRODUCT = [INT, INT, INT]
ARGUMENTS = {
    "loadconfig": [POINTER],
    "release": [],
    "zero": [INT],
    "loadd": [INT, POINTER, SIZE],
    "stored": [INT, POINTER, SIZE],
    "dpbssd": PRODUCT,
    "dpbsud": PRODUCT,
    "dpbusd": PRODUCT,
    "dpbuud": PRODUCT,
    "dpbf16ps": PRODUCT,
}
SUM, LEFT, RIGHT = 0, 1, 2
SIGNS = {"dpbssd": (True, True), "dpbsud": (True, False), "dpbusd": (False, True), "dpbuud": (False, False)}


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    path = library(tmp_path_factory.mktemp("tiles"), "emulated_gemm.c", *EMULATED, "-DEMULATED_TILES")
    return functions(path, "tiles", ARGUMENTS)


def configuration(shapes, palette=1, reserved=0):
    """Shapes are [(rows, bytes)], from the first tile on."""
    block = np.zeros(64, np.uint8)
    block[0], block[9] = palette, reserved
    for tile, (rows, row_bytes) in enumerate(shapes):
        block[16 + 2 * tile], block[48 + tile] = row_bytes, rows
    return block


def product_shapes(m, n, k):
    return [(m, 4 * n), (m, 4 * k), (k, 4 * n)]


def configure(tiles, *shapes, **changes):
    tiles.loadconfig(configuration(shapes, **changes).ctypes.data)


def load(tiles, tile, x):
    x = guarded(x).reshape(len(x), -1)
    tiles.loadd(tile, x.ctypes.data, x.strides[0])


def stored(tiles, tile, shape, number):
    out = guarded(np.zeros(shape, number)).reshape(shape)
    tiles.stored(tile, out.ctypes.data, out.strides[0])
    return out


def multiply(tiles, name, start, left, right):
    """start[m, n] + left[m, k, elements] * right[k, n, elements]"""
    m, n, k = len(left), right.shape[1], len(right)
    configure(tiles, *product_shapes(m, n, k))
    load(tiles, SUM, start)
    load(tiles, LEFT, left)
    load(tiles, RIGHT, right)
    getattr(tiles, name)(SUM, LEFT, RIGHT)
    out = stored(tiles, SUM, (m, n), start.dtype)
    tiles.release()
    return out


# ---- Numbers ---------------------------------------------------------------------------------------------------------

SHAPES = [(16, 16, 16), (1, 1, 1), (3, 16, 5), (16, 2, 16), (7, 9, 1)]


@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
@pytest.mark.parametrize("name", SIGNS)
def test_products_of_bytes(tiles, name, m, n, k):
    random = np.random.default_rng(m + n + k)
    start = random.integers(-(2**31), 2**31, (m, n)).astype(np.int32)
    left, right = (random.integers(0, 256, shape, np.uint8) for shape in ((m, k, 4), (k, n, 4)))
    x, y = (v.view(np.int8) if sign else v for v, sign in zip((left, right), SIGNS[name], strict=True))
    sums = start + np.einsum("mke,kne->mn", x.astype(np.int64), y.astype(np.int64))
    assert np.array_equal(multiply(tiles, name, start, left, right), sums.astype(np.int32))


def halves(x):
    return (x.view(np.uint32) >> 16).astype(np.uint16)


@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_products_of_bfloat16(tiles, m, n, k):
    random = np.random.default_rng(m + n + k)
    start, left, right = (bfloat16(random.normal(size=shape)) for shape in ((m, n), (m, k, 2), (k, n, 2)))
    exact = start + np.einsum("mke,kne->mn", left.astype(float), right.astype(float))
    magnitude = abs(start) + np.einsum("mke,kne->mn", abs(left.astype(float)), abs(right.astype(float)))
    out = multiply(tiles, "dpbf16ps", start, halves(left), halves(right))
    assert (abs(out - exact) <= (k + 2) * 2.0**-24 * magnitude).all()


def one_product(tiles, start, left, right):
    """A sum of products of two rows of bfloat16 numbers."""
    x, y = (halves(np.array(v, np.float32)) for v in (left, right))
    start = np.array([[start]], np.float32)
    return multiply(tiles, "dpbf16ps", start, x.reshape(1, -1, 2), y.reshape(-1, 1, 2))[0, 0]


def test_even_and_odd_elements_have_a_sum_each(tiles):
    large = 2.0**24
    assert one_product(tiles, 0, [large, 1, 0, 1], [1, 1, 1, 1]) == large + 2
    assert one_product(tiles, 0, [large, 0, 1, 0, 1, 0], [1] * 6) == large


def test_small_numbers_are_zero(tiles):
    """Numbers below the normal range, as operands and as results."""
    assert one_product(tiles, 1e-40, [0, 0], [0, 0]) == 0
    assert one_product(tiles, 0, [1e-39, 0], [2.0**20, 0]) == 0
    assert one_product(tiles, 0, [2.0**-70, 0], [2.0**-70, 0]) == 0
    assert one_product(tiles, 0, [2.0**-70, 0], [2.0**-56, 0]) == 2.0**-126


def test_no_more_than_the_shape_is_touched(tiles):
    """Rows further apart than their bytes; what a load does not fill is 0."""
    configure(tiles, (3, 20), (16, 64))
    source = guarded(np.arange(1, 2 * 32 + 21, dtype=np.uint8))
    target = guarded(np.full(source.size, 255, np.uint8))
    tiles.loadd(0, source.ctypes.data, 32)
    tiles.stored(0, target.ctypes.data, 32)
    inside = np.arange(source.size) % 32 < 20
    assert np.array_equal(target[inside], source[inside])
    assert (target[~inside] == 255).all()
    tiles.zero(0)
    tiles.stored(0, target.ctypes.data, 32)
    assert (target[inside] == 0).all()
    assert (target[~inside] == 255).all()
    tiles.release()


# ---- What a processor refuses ----------------------------------------------------------------------------------------


def refusal(use):
    """The message with which a child ends, or None if it does not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.disable()
        os.dup2(writer, 2)
        status = 1
        try:
            use()
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as file:
        message = file.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGABRT
        return message
    assert os.WEXITSTATUS(status) == 0
    return None


GOOD = product_shapes(16, 16, 16)
CONFIGURATIONS = {
    "an unknown palette": ([(1, 4)], {"palette": 2}),
    "a reserved byte is not 0": ([(1, 4)], {"reserved": 1}),
    "too many rows": ([(17, 4)], {}),
    "too many bytes": ([(1, 68)], {}),
    "a tile that is not there": ([(1, 4)] * 9, {}),
    "rows without bytes, or the reverse": ([(0, 4)], {}),
}


@pytest.mark.parametrize("message", CONFIGURATIONS)
def test_refuses_configurations(tiles, message):
    shapes, changes = CONFIGURATIONS[message]
    assert refusal(lambda: configure(tiles, *shapes, **changes)) == f"ldtilecfg: {message}\n"


@pytest.mark.parametrize(
    ("message", "shapes"),
    [
        ("M differs", [(16, 64), (15, 64), (16, 64)]),
        ("N differs", [(16, 60), (16, 64), (16, 64)]),
        ("K differs", [(16, 64), (16, 60), (16, 64)]),
        ("bytes that are no multiple of 4", [(16, 64), (16, 62), (15, 64)]),
        ("a tile without a shape", [(16, 64), (16, 64)]),
        ("without a configuration", None),
        (None, GOOD),
    ],
)
@pytest.mark.parametrize("name", [*SIGNS, "dpbf16ps"])
def test_refuses_products(tiles, name, message, shapes):
    def use():
        tiles.release()
        if shapes:
            configure(tiles, *shapes)
        getattr(tiles, name)(SUM, LEFT, RIGHT)

    assert refusal(use) == (message and f"t{name}: {message}\n")


def test_refuses_a_tile_twice(tiles):
    def use(*operands):
        configure(tiles, *GOOD)
        tiles.dpbusd(*operands)

    for operands in ((0, 0, 1), (0, 1, 0), (0, 1, 1)):
        assert refusal(lambda operands=operands: use(*operands)) == "tdpbusd: a tile twice\n"


@pytest.mark.parametrize(
    ("instruction", "function", "operands"),
    [("tilezero", "zero", 1), ("tileloadd", "loadd", 3), ("tilestored", "stored", 3)],
)
def test_refuses_tiles_after_their_release(tiles, instruction, function, operands):
    memory = guarded(np.zeros(1024, np.uint8))

    def use(release):
        configure(tiles, *GOOD)
        release()
        getattr(tiles, function)(*(SUM, memory.ctypes.data, 64)[:operands])

    message = f"{instruction}: without a configuration\n"
    assert refusal(lambda: use(tiles.release)) == message
    assert refusal(lambda: use(lambda: configure(tiles, palette=0))) == message
    assert refusal(lambda: use(lambda: None)) is None

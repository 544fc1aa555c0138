"""The GEMMs of AVX-512 and AMX on every x86-64, against exact sums in numpy.

SIMDe computes AVX-512, and the model in emulated_tiles.h computes the tiles. Every operand ends where memory ends.
"""

import ctypes

import numpy as np
import pytest
from libraries import EMULATED, bfloat16, functions, guarded, library

PANEL = 32
ROWS = [1, 2, 15, 16, 17, 31, 32, 33, 50]
UNITS = [1, 15, 16, 17, 18, 288]
COLUMNS = [1, 16, 17, 31, 32]
OUTSIDE = np.float32(77)  # between the rows of an output
SIZE, POINTER = ctypes.c_size_t, ctypes.c_void_p
GEMM = [SIZE, SIZE, SIZE, POINTER, SIZE, POINTER, POINTER]
GEMMS = {
    "gemm_bfloat16": [*GEMM, POINTER, POINTER, SIZE],
    "gemm_int8": [*GEMM, POINTER, POINTER, POINTER, POINTER, SIZE],
}
PANELS = {
    "gemm_float32": [*GEMM, POINTER, SIZE, ctypes.c_int],
    "pack_panel": [SIZE, SIZE, POINTER, SIZE, POINTER],
    "zero_point_sums": [SIZE, POINTER, POINTER],
    "pack_int4": [SIZE, SIZE, POINTER, POINTER, POINTER, POINTER, POINTER],
}


@pytest.fixture(scope="module")
def avx512(tmp_path_factory):
    return library(tmp_path_factory.mktemp("avx512"), "emulated_gemm.c", *EMULATED)


@pytest.fixture(scope="module")
def amx(tmp_path_factory):
    return library(tmp_path_factory.mktemp("amx"), "emulated_gemm.c", *EMULATED, "-DEMULATED_TILES")


@pytest.fixture(scope="module", params=["avx512", "amx"])
def gemms(request):
    return functions(request.getfixturevalue(request.param), "gemms", GEMMS)


@pytest.fixture(scope="module")
def panels(avx512):
    return functions(avx512, "panels", PANELS)


def call(function, *operands):
    """Calls a function with numbers and addresses of arrays."""
    function(*(x.ctypes.data if isinstance(x, np.ndarray) else x for x in operands))


def strided(x, padding, between):
    """Rows with other elements between them, and none behind the last one. Returns them and their stride."""
    rows = np.full((len(x), x.shape[1] + padding), between, x.dtype)
    rows[:, : x.shape[1]] = x
    return guarded(rows.reshape(-1)[: rows.size - padding]), rows.shape[1]


def panel_of(weights):
    """Units of `elements` numbers: weights[inputs, PANEL] as panel[units, PANEL, elements]."""
    elements = 4 // weights.itemsize
    return guarded(weights.reshape(-1, elements, PANEL).transpose(0, 2, 1))


def multiplied(gemm, left, weights, columns, padding, before=(), after=(), between=0, ahead=False, initial=None):
    """The output of a GEMM, whose other operands come before and after it. What lies between its rows is not written."""
    elements = 4 // weights.itemsize
    rows, stride = strided(left, padding * elements, between)
    panel = panel_of(weights)
    start = np.full((len(left), columns), np.nan, np.float32) if initial is None else initial
    out, out_stride = strided(start, padding, OUTSIDE)
    shape = len(left), columns, left.shape[1] // elements
    call(gemm, *shape, rows, stride, panel, panel if ahead else None, *before, out, out_stride, *after)
    whole = np.concatenate([out, np.full(padding, OUTSIDE)]).reshape(len(left), out_stride)
    assert (whole[:, columns:] == OUTSIDE).all()
    return whole[:, :columns]


# ---- int8 ------------------------------------------------------------------------------------------------------------


def check_int8(gemms, random, left, weights, columns, padding):
    offsets = 128 * weights.sum(0, dtype=np.int32)
    row_scales = random.normal(size=len(left)).astype(np.float32)
    column_scales = random.normal(size=columns).astype(np.float32)
    before = guarded(offsets), guarded(row_scales), guarded(column_scales)
    out = multiplied(gemms.gemm_int8, left, weights, columns, padding, before, between=171, ahead=padding == 0)
    exact = left.astype(np.int32) @ weights.astype(np.int32) - offsets
    expected = exact[:, :columns].astype(np.float32) * (column_scales * row_scales[:, None])
    assert np.array_equal(out.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("rows", ROWS)
def test_int8_is_exact(gemms, rows, units):
    random = np.random.default_rng(1000 * rows + units)
    for i, columns in enumerate(COLUMNS):
        left = random.integers(1, 256, (rows, 4 * units), np.uint8)
        weights = random.integers(-128, 128, (4 * units, PANEL), np.int8)
        check_int8(gemms, random, left, weights, columns, padding=i % 3)


def test_int8_is_exact_with_the_largest_products(gemms):
    """Pairs of them need 17 bits, and the sums of 288 units 27."""
    left, weights = np.full((33, 1152), 255, np.uint8), np.full((1152, PANEL), -128, np.int8)
    weights[:, ::2] = 127
    check_int8(gemms, np.random.default_rng(0), left, weights, PANEL, padding=1)


@pytest.mark.parametrize("units", [1, 2, 3, 4, 5, 6, 7, 288])
def test_zero_point_sums(panels, units):
    weights = np.random.default_rng(units).integers(-128, 128, (4 * units, PANEL), np.int8)
    sums = guarded(np.zeros(PANEL, np.int32))
    call(panels.zero_point_sums, units, panel_of(weights), sums)
    assert np.array_equal(sums, 128 * weights.sum(0, dtype=np.int32))


# ---- bfloat16 and float32 --------------------------------------------------------------------------------------------


def halves(x):
    return (x.view(np.uint32) >> 16).astype(np.uint16)


NAN = 0x7FC0  # between rows, so that no sum can miss it


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("rows", ROWS)
def test_bfloat16(gemms, rows, units):
    random = np.random.default_rng(1000 * rows + units)
    for i, columns in enumerate(COLUMNS):
        left = bfloat16(random.normal(size=(rows, 2 * units)))
        weights = bfloat16(random.normal(size=(2 * units, PANEL)))
        scales = random.normal(size=columns).astype(np.float32) if i % 2 else None
        before = [scales if scales is None else guarded(scales)]
        bits = halves(left), halves(weights)
        out = multiplied(gemms.gemm_bfloat16, *bits, columns, i % 3, before, between=NAN, ahead=i % 3 == 0)
        factor = 1 if scales is None else scales.astype(float)
        exact = (left.astype(float) @ weights.astype(float))[:, :columns] * factor
        magnitude = (abs(left.astype(float)) @ abs(weights.astype(float)))[:, :columns] * abs(factor)
        assert (abs(out - exact) <= 1e-5 * magnitude).all()


@pytest.mark.parametrize("units", UNITS)
def test_bfloat16_is_exact_if_no_sum_is_rounded(gemms, units):
    random = np.random.default_rng(units)
    left = random.integers(-50, 51, (33, 2 * units)).astype(np.float32)
    weights = random.integers(-50, 51, (2 * units, PANEL)).astype(np.float32)
    out = multiplied(gemms.gemm_bfloat16, halves(left), halves(weights), PANEL, 1, [None], between=NAN)
    assert np.array_equal(out, left @ weights)


@pytest.mark.parametrize("rows", [1, 2, 11, 12, 13, 25])
def test_float32_is_exact_if_no_sum_is_rounded(panels, rows):
    random = np.random.default_rng(rows)
    for columns in COLUMNS:
        for accumulate, units in ((0, 1), (1, 17), (0, 72), (1, 73)):
            left = random.integers(-99, 100, (rows, units)).astype(np.float32)
            weights = random.integers(-99, 100, (units, PANEL)).astype(np.float32)
            initial = random.integers(-99, 100, (rows, columns)).astype(np.float32)
            gemm, after = panels.gemm_float32, [accumulate]
            out = multiplied(gemm, left, weights, columns, accumulate, after=after, between=np.nan, initial=initial)
            assert np.array_equal(out, (left @ weights)[:, :columns] + accumulate * initial)


# ---- Panels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 15, 16, 17, 31, 32])
def test_pack_panel(panels, outputs):
    random = np.random.default_rng(outputs)
    for units in (1, 15, 16, 17, 33):
        weights = random.integers(0, 2**32, (outputs, units), np.uint32)
        rows, stride = strided(weights, units % 3, 171)
        panel = guarded(np.full((units, PANEL), 171, np.uint32))
        call(panels.pack_panel, outputs, units, rows, 4 * stride, panel)
        expected = np.zeros((units, PANEL), np.uint32)
        expected[:, :outputs] = weights.T
        assert np.array_equal(panel.reshape(units, PANEL), expected)


@pytest.mark.parametrize("outputs", [1, 16, 21, 32])
def test_pack_int4(panels, outputs):
    """Blocks of 16 outputs by runs of 8 inputs, with a scale for 4 outputs by 16 inputs: docs/checkpoint-format.md."""
    random = np.random.default_rng(outputs)
    for count in (1, 17, 128, 130, 288):
        runs, groups, units = -(-count // 8), -(-count // 16), -(-count // 4)
        source = random.integers(0, 256, (2, runs, 16, 4), np.uint8)
        scales = random.uniform(0.1, 1, (8, groups)).astype(np.float32)
        output_scales = np.repeat(scales.max(1) * np.float32(8 / 127), 4)
        panel, sums = guarded(np.full((units, PANEL, 4), 7, np.int8)), guarded(np.full(PANEL, 7, np.int32))
        operands = guarded(source), guarded(scales), guarded(output_scales)
        call(panels.pack_int4, outputs, count, *operands, panel, sums)
        numbers = np.stack([source & 15, source >> 4], 2).astype(int) - 8  # [2, runs, half, 16, 4]
        numbers = numbers.transpose(0, 3, 1, 2, 4).reshape(32, 8 * runs)[:, :count]
        scaled = np.repeat(scales, 4, 0) * (1 / output_scales)[:, None]
        factors = np.rint(scaled * np.float32(2048)).astype(int)
        expected = np.zeros((32, 4 * units), int)
        expected[:, :count] = numbers * np.repeat(factors, 16, 1)[:, :count] + 1024 >> 11
        expected[outputs:] = 0
        assert np.array_equal(panel.reshape(units, PANEL, 4), expected.reshape(32, units, 4).transpose(1, 0, 2))
        assert np.array_equal(sums, 128 * expected.sum(1))

"""Kernels compiled as libraries for Python, and memory that finds an access behind its end."""

import ctypes
import mmap
import pathlib
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).parent
KERNELS = HERE.parents[1] / "Sources" / "CKernels"
AVX2 = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2"]
# SIMDe and the model of the tiles need no more than AVX2.
EMULATED = [*AVX2, "-DEMULATED"]


def library(folder, source, *flags):
    """A C file of this folder as a library. Compiling SIMDe's loops at -O2 would take longer than the tests."""
    path = folder / f"{source}.so"
    options = ["-std=c11", "-O1", "-fPIC", "-shared", "-fno-math-errno", "-Wno-psabi", f"-I{KERNELS / 'include'}"]
    subprocess.run(["clang", *options, *flags, HERE / source, "-lm", "-o", path], check=True)
    return ctypes.CDLL(path)


def functions(path, name, arguments):
    """The functions of a structure of pointers, by their names and types of arguments."""
    fields = [(function, ctypes.CFUNCTYPE(None, *types)) for function, types in arguments.items()]
    return type(name, (ctypes.Structure,), {"_fields_": fields}).in_dll(path, name)


def guarded(x):
    """A copy of an array between pages that cannot be accessed. It ends with a page."""
    x = np.ascontiguousarray(x)
    pages = -(-x.nbytes // mmap.PAGESIZE)
    memory = mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for page in (0, pages + 1):
        assert protect(start + page * mmap.PAGESIZE, mmap.PAGESIZE, 0) == 0
    first = (pages + 1) * mmap.PAGESIZE - x.nbytes
    copy = np.frombuffer(memory, x.dtype, x.size, first)
    copy[:] = x.reshape(-1)
    return copy


def bfloat16(x):
    """The nearest bfloat16, as float32."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return (bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000).astype(np.uint32).view(np.float32)

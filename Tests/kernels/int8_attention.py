"""The definition of int8 attention in docs/numerics.md, in numpy. The kernels give the same bits."""

import numpy as np

OCTAVE = np.rint(255 * 256 * 2.0 ** (-np.arange(64) / 64)).astype(np.int64)
DITHER = 40503 * np.arange(64) % 65536 >> 8
POLYNOMIAL = [1.5403531e-4, 1.3333558e-3, 9.6181291e-3, 5.5504109e-2, 2.4022651e-1, 6.9314718e-1, 1]


def quantized(x, axis):
    scale = np.abs(x).max(axis, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, where=scale > 0, out=np.zeros_like(scale))
    return np.rint(x * inverse).astype(np.int64), scale


def exp2(x):
    x = np.maximum(x, np.float32(-120))
    p = np.zeros_like(x)
    for coefficient in POLYNOMIAL:
        p = p * (x - np.rint(x)) + np.float32(coefficient)
    return np.ldexp(p, np.rint(x).astype(int))


def attention(query, key, value, scale):
    """softmax(scale query key^T) value for one head: float32 arrays [queries, width], [keys, width], [keys, width]."""
    count = np.float32(len(key))
    key = key - np.cumsum(key, axis=0)[-1] / count
    mean = np.cumsum(value, axis=0)[-1] / count
    q8, query_scale = quantized(query, 1)
    v8, value_scale = quantized(value - mean, 0)
    unit = query_scale * (np.float32(scale) * np.float32(np.log2(np.e)))
    maximum = np.full((len(query), 1), -np.inf, np.float32)
    values, weights = np.zeros_like(query), np.zeros_like(maximum)
    for first in range(0, len(key), 64):
        k8, key_scale = quantized(key[first : first + 64], None)
        score = q8 @ k8.T
        largest = score.max(1, keepdims=True)
        steps = np.minimum(unit * key_scale * 64, np.float32(800))
        y = np.rint((largest - score).astype(np.float32) * steps).astype(np.int64)
        p = (OCTAVE[y % 64] >> np.minimum(y // 64, 63)) + DITHER[: len(k8)] >> 8
        x = largest.astype(np.float32) * (unit * key_scale)
        now = np.maximum(maximum, x)
        correction, factor, maximum = exp2(maximum - now), exp2(x - now), now
        values = values * correction + (p @ v8[first : first + 64]).astype(np.float32) * factor
        weights = weights * correction + p.sum(1, keepdims=True).astype(np.float32) * factor
    return values * (1 / weights) * value_scale + mean

"""The similarity of two arrays, and of two images."""

from __future__ import annotations

import numpy as np

from reference.measures import relative_error

PEAK = 255.0


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine similarity of two arrays as vectors."""
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def error_and_cosine(one: np.ndarray, reference: np.ndarray) -> str:
    """Both, for a table."""
    return f"{relative_error(one, reference):.1e} ({cosine(one, reference):.5f})"


def least_row_cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of [S, E]: that of the rows that are least alike."""
    return min(cosine(a, b) for a, b in zip(one, other))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 images in dB; infinite if they are equal."""
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(PEAK**2 / error)) if error else float("inf")


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of two uint8 images [H, W, 3] (Wang et al. 2004): the mean over positions and channels.

    As scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=255, channel_axis=2).
    """
    x, y = one.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(similarity / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))))


def blurred(image: np.ndarray, sigma: float = 1.5, radius: int = 5) -> np.ndarray:
    """The image filtered with a Gaussian window, at the positions where the window lies inside the image."""
    window = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    window /= window.sum()
    for axis in (0, 1):
        image = np.lib.stride_tricks.sliding_window_view(image, len(window), axis) @ window
    return image

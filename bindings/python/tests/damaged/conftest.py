"""What the tests of damaged files share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def random():
    return np.random.default_rng(12)

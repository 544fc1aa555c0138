"""The files that are damaged in this folder can be read if they are whole."""

from __future__ import annotations

import forms
from damaged_files import subfolder

import pixart


def test_the_fixture_is_sound(tmp_path):
    """The files that are damaged above can be read when they are whole."""
    for name in ("pickle-zip", "pickle-legacy", "gguf-mixed", "bitsandbytes-nf4-nested", "quanto-int4"):
        case = forms.make(name, 3, subfolder(tmp_path, name))
        pixart.inspect(case.path, **case.options)

"""Where the package finds the library, its version and the model that is used when none is named: in the source tree,
and in a copy outside of it."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pixart
from pixart import _models, _source_tree
from pixart._core import library

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "src" / "pixart"
TREE = SOURCE.parents[3]


@pytest.fixture
def copied(tmp_path):
    """A copy of the package as an installed one, with a version of its own."""
    copy = tmp_path / "site-packages" / "pixart"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "_version.py").write_text('__version__ = "1.9.9"\n')
    return copy


def run(folder, code, **environment):
    site = pathlib.Path(np.__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{folder}:{site}", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.stdout.strip() or result.stderr


def test_the_version_is_that_of_the_tree():
    assert run(SOURCE.parent, "import pixart; print(pixart.__version__)") == (TREE / "VERSION").read_text().strip()


def test_the_version_of_a_copy_is_its_own(copied):
    assert run(copied.parent, "import pixart; print(pixart.__version__)") == "1.9.9"


def test_the_versions_of_package_and_library_are_equal():
    assert pixart.__version__ == pixart.version()


def test_a_package_in_the_tree_takes_the_build_of_the_tree(monkeypatch):
    monkeypatch.delenv("PIXART_LIBRARY", raising=False)
    monkeypatch.setattr(library, "source_tree", lambda: TREE)
    assert library._places() == [str(TREE / ".build" / "release" / "libpixart.so"), "libpixart.so.1"]


def test_an_installed_package_takes_its_own_library_before_the_systems(copied):
    code = "from pixart._core import library; print(*library._places())"
    assert run(copied.parent, code) == f"{copied / 'libpixart.so.1'} libpixart.so.1"


def test_the_environment_variable_is_the_only_place(copied):
    code = "from pixart._core import library; print(*library._places())"
    assert run(copied.parent, code, PIXART_LIBRARY="/elsewhere/libpixart.so") == "/elsewhere/libpixart.so"


def test_a_library_that_is_nowhere_is_reported_with_every_place(copied):
    output = run(copied.parent, "import pixart; pixart.version()")
    assert f"{copied / 'libpixart.so.1'}: no such file" in output
    assert "make build" in output and "PIXART_LIBRARY" in output


def test_the_default_model_of_the_tree(monkeypatch):
    monkeypatch.setattr(_models, "source_tree", lambda: TREE)
    assert _models.default_model() == TREE / "models" / "emoji"
    with pixart.Decoder(_models.default_model()) as decoder:
        assert decoder.report()


def test_the_default_model_of_a_copy_is_inside(copied):
    (copied / "models" / "emoji").mkdir(parents=True)
    (copied / "models" / "emoji" / "model_index.json").write_text("{}")
    code = "from pixart._models import default_model; print(default_model())"
    assert run(copied.parent, code) == str(copied / "models" / "emoji")


def test_a_missing_default_model_asks_for_a_name(copied):
    output = run(copied.parent, "from pixart._models import default_model; default_model()")
    assert "FileError" in output and str(copied / "models" / "emoji") in output and "name a model" in output


def test_a_folder_with_the_names_of_the_tree_is_no_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(_source_tree, "PACKAGE", tmp_path / "bindings" / "python" / "src" / "pixart")
    assert _source_tree.source_tree() is None

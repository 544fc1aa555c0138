"""Builds the package with libpixart and the emoji model of this source tree inside, so that it needs nothing else.

The library is $PIXART_LIBRARY, or the tree's build. If there is none, `make build` makes it. Without a library there is
no package. An editable installation uses the tree's build and its models, and copies nothing.
"""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]
BUILT = TREE / ".build" / "release" / "libpixart.so"
SWIFT = (6, 2)

# Nothing is left in the tree, and nothing of an earlier build gets into this one.
WORK = tempfile.TemporaryDirectory(prefix="pixart-")

if not (TREE / "VERSION").is_file():
    raise SystemExit(
        f"{HERE} is outside of libpixart's source tree, which the package is built from: take the whole tree"
    )
VERSION = (TREE / "VERSION").read_text().strip()


def swift_fault():
    """What is wrong with the Swift toolchain, or None."""
    needed = ".".join(map(str, SWIFT))
    if not shutil.which("swift"):
        return f"Swift {needed} or newer: `swift` is not on PATH. Its toolchains for Linux are at swift.org/install"
    text = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"Swift version (\d+)\.(\d+)", text)
    if found and (int(found[1]), int(found[2])) < SWIFT:
        return f"Swift {needed} or newer: `swift` is {found[1]}.{found[2]}. Newer toolchains are at swift.org/install"
    return None


def package_fault():
    """The Debian packages that the build needs and the system lacks, or None."""
    checked = subprocess.run(
        ["make", "--no-print-directory", "-s", "-C", TREE, "check-deps"], capture_output=True, text=True
    )
    if checked.returncode == 0:
        return None
    found = re.search(r"missing packages: (.*)", checked.stdout)
    return f"Debian packages: {found[1]}. `make deps` installs them" if found else checked.stdout + checked.stderr


def library():
    """The path of the library to put into the package. It is built if there is none."""
    given = os.environ.get("PIXART_LIBRARY")
    if given:
        if not pathlib.Path(given).is_file():
            raise SystemExit(f"PIXART_LIBRARY is {given}, which is no file")
        return pathlib.Path(given).resolve()
    if not BUILT.is_file():
        make = shutil.which("make")
        faults = [swift_fault(), package_fault() if make else "make: `apt-get install make` installs it"]
        if any(faults):
            raise SystemExit(
                "libpixart is not built, and building it needs what is missing here:\n"
                + "".join(f"  - {fault}\n" for fault in faults if fault)
                + "Then install again. A library that is built elsewhere can be named in PIXART_LIBRARY."
            )
        print("building libpixart, which takes a few minutes: make build", flush=True)
        if subprocess.run(["make", "-C", TREE, "build"]).returncode:
            raise SystemExit(f"libpixart could not be built: run `make build` in {TREE} and look at its messages")
    return BUILT


def check_version(path):
    """Refuses a library of another version than this package, such as one that was built before an update."""
    try:
        function = ctypes.CDLL(str(path)).pixart_version
    except (OSError, AttributeError) as error:
        raise SystemExit(f"{path} is not libpixart: {error}") from None
    function.restype = ctypes.c_char_p
    found = function().decode()
    if found != VERSION:
        raise SystemExit(f"{path} is version {found}, and this package is {VERSION}: run `make build` in {TREE}")


class PlatformDistribution(Distribution):
    """The package belongs to one platform, because the library inside is native code."""

    def has_ext_modules(self):
        return True


class BuildElsewhere(build):
    def initialize_options(self):
        super().initialize_options()
        self.build_base = WORK.name


class DescribeElsewhere(egg_info):
    def initialize_options(self):
        super().initialize_options()
        self.egg_base = WORK.name


class BuildWithLibrary(build_py):
    def run(self):
        path = library()
        check_version(path)
        super().run()
        if self.editable_mode:
            return
        package = pathlib.Path(self.build_lib) / "pixart"
        copy = package / "libpixart.so.1"
        shutil.copyfile(path, copy)
        if shutil.which("strip"):
            subprocess.run(["strip", copy], check=True)
        shutil.copytree(TREE / "models" / "emoji", package / "models" / "emoji", dirs_exist_ok=True)
        (package / "_version.py").write_text(f'"""The version of the package."""\n\n__version__ = "{VERSION}"\n')


class EveryPython3(bdist_wheel):
    """One wheel for every Python 3, because the library is called through ctypes."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class NoSources(sdist):
    def run(self):
        raise SystemExit(
            "pixart has no source distribution, because libpixart's sources lie outside of this folder.\n"
            "`make wheel` makes a wheel, and `pip install ./bindings/python` installs from the tree."
        )


setup(
    version=VERSION,
    distclass=PlatformDistribution,
    cmdclass={
        "bdist_wheel": EveryPython3,
        "build": BuildElsewhere,
        "build_py": BuildWithLibrary,
        "egg_info": DescribeElsewhere,
        "sdist": NoSources,
    },
)

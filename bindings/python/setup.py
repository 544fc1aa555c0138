"""Copies a built libpixart into the package, so that an installed `pixart` needs nothing else on the system.

The library is $PIXART_LIBRARY, or that in the build folder of this tree. If there is neither, the package is installed
without it, and the system's loader must find libpixart.
"""

import os
import pathlib
import shutil

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
BUNDLED = "libpixart.so.1"


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        if self.editable_mode:  # an editable installation finds the build folder
            return
        given = os.environ.get("PIXART_LIBRARY")
        library = pathlib.Path(given) if given else HERE.parents[1] / ".build" / "release" / "libpixart.so"
        if given or library.is_file():
            shutil.copy(library, pathlib.Path(self.build_lib) / "pixart" / BUNDLED)


class WheelOfPlatform(bdist_wheel):
    """A wheel for every Python 3 and one platform, because the library inside is native code."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": WheelOfPlatform})

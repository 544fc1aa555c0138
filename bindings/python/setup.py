"""Puts a built libpixart into the package, so that an installed `pixart` needs nothing else on the system.

The library is taken from $PIXART_LIBRARY or from the build folder of the tree this file stands in. Without either, the
package is installed without it and finds libpixart where the system's loader does.
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
        if self.editable_mode:  # finds the build folder by itself
            return
        given = os.environ.get("PIXART_LIBRARY")
        library = pathlib.Path(given) if given else HERE.parents[1] / ".build" / "release" / "libpixart.so"
        if given or library.is_file():
            shutil.copy(library, pathlib.Path(self.build_lib) / "pixart" / BUNDLED)


class WheelOfPlatform(bdist_wheel):
    """For every Python 3, but for one platform: the library inside is native code."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": WheelOfPlatform})

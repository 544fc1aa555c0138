"""Serves a model over HTTP: OpenAI's API of images, the API of Stable Diffusion front ends, and a web page.

    pixart serve                      # or python -m pixart.server

It needs the packages of the extra `pixart[server]`. docs/serving.md describes the endpoints and the limits.
"""

from ._command import add_arguments, main, run

__all__ = ["add_arguments", "main", "run"]

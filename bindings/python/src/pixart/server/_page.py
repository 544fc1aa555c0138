"""The web page, and the description of the server that it is made from."""

from __future__ import annotations

import importlib.resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._version import __version__
from ._refusals import Refusal
from ._samplers import FRONT_END_NAMES
from ._service import Service

FILES = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "controls.js": "text/javascript; charset=utf-8",
    "gallery.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page uses nothing but its own files."""


class Page:
    """The routes of the page: / and /page."""

    def __init__(self, service: Service) -> None:
        self._service = service
        folder = importlib.resources.files("pixart.server") / "page"
        self._files = {name: (folder / name).read_bytes() for name in FILES}

    def routes(self) -> list[Route]:
        return [
            Route("/", self.index, methods=["GET"]),
            Route("/page/{name}", self.file, methods=["GET"]),
            Route("/v1/schema", self.schema, methods=["GET"]),
        ]

    async def index(self, _: Request) -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(self._files["index.html"], media_type=FILES["index.html"], headers=headers)

    async def file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            raise Refusal(404, "there is no such file", code="not_found")
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
        return Response(self._files[name], media_type=FILES[name], headers=headers)

    async def schema(self, _: Request) -> Response:
        service = self._service
        return JSONResponse(
            {
                "version": __version__,
                "model": service.model_name,
                "max_images": service.settings.max_images,
                "max_prompt": service.settings.max_prompt,
                "max_previews": service.settings.max_previews,
                "scheduler_names": {scheduler: name for name, scheduler in FRONT_END_NAMES.items()},
                "properties": service.options.schema(service.max_side, service.default_side),
            }
        )

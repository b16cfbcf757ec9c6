"""Style, scripts and libraries of the pages. Addresses have the content's hash: a browser keeps them for a year."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

FOLDER = Path(__file__).parents[1] / "static"
_SENT = {".css", ".js", ".svg"}
_ONE_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it is sent: its address, its kind, and its bytes as they are and compressed."""

    address: str
    media_type: str
    plain: bytes
    compressed: bytes


@cache
def assets() -> dict[str, SentFile]:
    """All assets by their path below `static`."""
    paths = [path for path in sorted(FOLDER.rglob("*")) if path.suffix in _SENT]
    return {path.relative_to(FOLDER).as_posix(): _asset(path) for path in paths}


def address_of(name: str) -> str:
    """Where a page finds an asset."""
    return assets()[name].address


def asset_routes() -> APIRouter:
    """The route of all assets; anybody may read them."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/static/{version}/{name:path}", _send)
    return routes


def _send(request: Request, version: str, name: str) -> Response:
    found = assets().get(name)
    if found is None or found.address != f"/static/{version}/{name}":
        raise HTTPException(404, "no such file")
    headers = {"Cache-Control": _ONE_YEAR, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.plain, media_type=found.media_type, headers=headers)
    return Response(
        found.compressed, media_type=found.media_type, headers=headers | {"Content-Encoding": "gzip"}
    )


def _asset(path: Path) -> SentFile:
    content = path.read_bytes()
    version = sha256(content).hexdigest()[:16]
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return SentFile(
        f"/static/{version}/{path.relative_to(FOLDER).as_posix()}",
        media_type,
        content,
        gzip.compress(content, mtime=0),
    )

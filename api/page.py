"""The page: one HTML file, one style sheet, one script, served as they lie in `api/static`.

Nothing comes from elsewhere and nothing is built, so the page works without a network, and a
content security policy can forbid everything but these files. The script reads the stream; what
the page needs to know besides (when figures count as old, how partners are called) stands in the
HTML.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response

from api.errors import not_found
from api.freshness import matches

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class PageOptions:
    """What the page shows beyond figures.

    `judged_by` is whose age tells how fresh figures are: `as_of` where usage arrives as it happens,
    `updated_at` where the times in usage are not of today, as in a replay. A figure is amber from
    `amber_seconds` on and red from `red_seconds` on. `notice` is a line at the top.
    """

    partner_titles: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    judged_by: Literal["as_of", "updated_at"] = "as_of"
    amber_seconds: int = 5
    red_seconds: int = 30


def router(options: PageOptions) -> APIRouter:
    """The routes of the page and its files."""
    routes = APIRouter(include_in_schema=False)
    files = {p.name: p.read_bytes() for p in STATIC.iterdir() if p.suffix in MEDIA_TYPES}
    page = _page(options)

    @routes.get("/")
    def get_page(request: Request) -> Response:
        """The page."""
        return _file(request, page, "text/html", {"Content-Security-Policy": POLICY})

    @routes.get("/static/{name}")
    def get_file(name: str, request: Request) -> Response:
        """A file of the page."""
        if name not in files:
            raise not_found(f"file {name}")
        return _file(request, files[name], MEDIA_TYPES[Path(name).suffix], {})

    return routes


def _page(options: PageOptions) -> bytes:
    """The HTML with the options in it."""
    settings = {
        "titles": dict(options.partner_titles),
        "judgedBy": options.judged_by,
        "amberSeconds": options.amber_seconds,
        "redSeconds": options.red_seconds,
    }
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    text = text.replace("{{settings}}", html.escape(json.dumps(settings, ensure_ascii=False)))
    return text.replace("{{notice}}", html.escape(options.notice)).encode()


def _file(request: Request, content: bytes, media_type: str, more: Mapping[str, str]) -> Response:
    """A file that browsers keep, and ask each time whether it is still the same."""
    caching = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Cache-Control": "no-cache",
        **more,
    }
    if matches(request.headers.get("if-none-match"), caching["ETag"]):
        return Response(status_code=304, headers=caching)
    return Response(content, media_type=media_type, headers=caching)

"""Templates become pages: escaped, with nothing undefined in them, and forbidden to load anything from elsewhere."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from bot import program_version
from bot.pages import message_words, phrases
from bot.pages.assets import Assets
from bot.pages.signs import job_sign, process_sign

_FOLDER = Path(__file__).parent / "templates"
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'{media}; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Not "no-referrer": with that a browser hides from us, too, which page a form was sent from. Others learn nothing.
_REFERRER = "same-origin"


_FILTERS = {**phrases.FILTERS, **message_words.FILTERS}
_GLOBALS = {"job_sign": job_sign, "process_sign": process_sign, "version": program_version()}


def _options(*folders: Path) -> dict[str, Any]:
    return {
        "loader": jinja2.FileSystemLoader([*folders, _FOLDER]),
        "autoescape": True,
        "undefined": jinja2.StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }


def make_environment(folder: Path) -> jinja2.Environment:
    """Make an environment for templates of another folder, which may use the parts of the pages'."""
    environment = jinja2.Environment(**_options(folder))  # noqa: S701 # the options escape
    environment.filters |= _FILTERS
    environment.globals |= _GLOBALS
    return environment


def set_up_templates(app: web.Application, assets: Assets, clock: Callable[[], datetime]) -> None:
    """Make the templates known to an application, with what every page needs."""
    environment = aiohttp_jinja2.setup(app, **_options(), filters=_FILTERS)
    environment.globals |= {**_GLOBALS, "asset": assets.address, "now": clock}


def render(request: web.Request, template: str, *, status: int = 200, **context: object) -> web.Response:
    """Render a template as the answer to a request; every template that is a whole page needs ``title``."""
    return aiohttp_jinja2.render_template(template, request, context, status=status)


async def render_aside(request: web.Request, template: str, **context: object) -> web.Response:
    """Render a template as ``render`` does, beside the event loop: for pages with much text of others."""
    return await asyncio.to_thread(aiohttp_jinja2.render_template, template, request, context)


def protect(response: web.StreamResponse, *, load_media: bool) -> None:
    """Forbid a page to load what is not ours; with ``load_media`` pictures may come from elsewhere."""
    policy = _POLICY.format(media=" https:" if load_media else "")
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Referrer-Policy", _REFERRER)

"""Templates as the pages use them, without a daemon."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bot.app import utc_now
from bot.pages.assets import Assets
from bot.pages.rendering import render, render_aside, set_up_templates


@pytest.fixture
def request_of_a_page() -> web.Request:
    app = web.Application()
    set_up_templates(app, Assets(), utc_now)
    return make_mocked_request("GET", "/", app=app)


class Unusual:
    """A problem that says which thread looks at it."""

    status, code = 400, "unusual"

    @property
    def detail(self) -> str:
        """The thread."""
        return "beside" if threading.current_thread() is not threading.main_thread() else "on the loop"


async def test_a_page_with_much_text_is_rendered_beside_the_event_loop(request_of_a_page: web.Request) -> None:
    page: dict[str, Any] = {"title": "A title", "problem": Unusual(), "errors": [], "again": None}
    for answer, where in (
        (await render_aside(request_of_a_page, "problem.html", **page), "beside"),
        (render(request_of_a_page, "problem.html", **page), "on the loop"),
    ):
        assert answer.text is not None
        assert f"✕</span> {where}</p>" in answer.text


async def test_a_notice_of_a_search_keeps_its_capital_letters(request_of_a_page: web.Request) -> None:
    found = SimpleNamespace(notices=["ended at 2026-11-28 00:00 UTC", ""], nothing=None, complete=True)
    page: dict[str, Any] = {"orders": {}, "order": "newest", "searched": "", "operators": [], "problem": None}
    tenant = SimpleNamespace(id="discord-1", name=None)
    answer = render(
        request_of_a_page,
        "search.html",
        title="Search",
        tenant=tenant,
        tenant_id=tenant.id,
        found=found,
        hits=[],
        candidates=[],
        following=None,
        **page,
    )
    assert answer.text is not None
    assert "Ended at 2026-11-28 00:00 UTC." in answer.text

"""All pages put together, as the server takes them."""

from aiohttp import web

from bot.api import Api, Site
from bot.pages.activity import ActivityPages
from bot.pages.assets import Assets
from bot.pages.browsers import for_browsers
from bot.pages.dashboard import DashboardPages
from bot.pages.events import JobEvents
from bot.pages.forms import Forms
from bot.pages.reading import ReadingPages
from bot.pages.rendering import set_up_templates
from bot.pages.search import SearchPages
from bot.pages.tenant import TenantPages


def make_site(api: Api, *, load_media: bool) -> Site:
    """Make the pages over what the API is served from.

    Args:
        api: what the calls are served from.
        load_media: whether pages may show pictures that are elsewhere.
    """
    assets, watch = Assets(), api.watch

    def set_up(app: web.Application) -> None:
        set_up_templates(app, assets, api.clock)

    return Site(
        routes=[
            *assets.routes(),
            *JobEvents(watch, api.streams).routes(),
            *DashboardPages(api=api, watch=watch).routes(),
            *TenantPages(api=api, watch=watch).routes(),
            *SearchPages(api=api).routes(),
            *ActivityPages(api).routes(),
            *ReadingPages(api=api, load_media=load_media).routes(),
            *Forms(api=api).routes(),
        ],
        open_paths=assets.paths,
        middleware=for_browsers(load_media=load_media),
        set_up=set_up,
    )

"""The pages: what a browser is shown of the archive. They read and enqueue as the API does; they never sync."""

from bot.pages.site import make_site

__all__ = ["make_site"]

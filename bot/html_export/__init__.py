"""The archive as a folder of the reading pages, which a browser opens without a server and without a network."""

from bot.html_export.export import HtmlExport
from bot.html_export.verification import verify_folder, verify_page

__all__ = ["HtmlExport", "verify_folder", "verify_page"]

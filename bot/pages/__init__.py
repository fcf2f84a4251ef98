"""The pages: what a browser is shown of the archive. They read and enqueue as the API does; they never sync.

How a message is shown is stated here once, for whoever shows one.
"""

from bot.pages.addresses import Addresses, LinkedMessage
from bot.pages.assets import page_files
from bot.pages.channel_tree import Category, TreeRow, tree_of
from bot.pages.conversation import Conversation, Found, converse
from bot.pages.markup import Place, as_words
from bot.pages.message_words import web_address
from bot.pages.rendering import make_environment
from bot.pages.site import make_site

__all__ = [
    "Addresses",
    "Category",
    "Conversation",
    "Found",
    "LinkedMessage",
    "Place",
    "TreeRow",
    "as_words",
    "converse",
    "make_environment",
    "make_site",
    "page_files",
    "tree_of",
    "web_address",
]

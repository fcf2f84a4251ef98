"""Where this server shows a message, and leads to a file: addresses that keep working."""

from bot.hosts import reachable_hosts
from bot.sections import HttpConfig


def site_of(http: HttpConfig) -> str:
    """Return the address at which this machine reaches the server; empty where the system chooses its port."""
    host = reachable_hosts(http.host)[0]
    return f"http://{f'[{host}]' if ':' in host else host}:{http.port}" if http.port else ""


def message_link(tenant_id: str, channel_id: str, message_id: str) -> str:
    """Return the path of the page that shows a message among its neighbours.

    Args:
        tenant_id: ours.
        channel_id: the platform's.
        message_id: the platform's; it need not be archived.
    """
    return f"/tenants/{tenant_id}/channels/{channel_id}?at={message_id}"


def file_link(tenant_id: str, file_id: str) -> str:
    """Return the path that leads to a file for ever: an expired address is renewed there."""
    return f"/api/tenants/{tenant_id}/attachments/{file_id}"

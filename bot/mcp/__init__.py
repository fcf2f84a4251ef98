"""The archive for assistants: a server of the Model Context Protocol on standard input and output that only reads."""

from bot.mcp.session import AssistantUnavailable, serve_assistant

__all__ = ["AssistantUnavailable", "serve_assistant"]

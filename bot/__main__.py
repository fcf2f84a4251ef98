"""``python -m bot`` is the same as ``platform-sync``."""

try:
    from bot.cli import app
except KeyboardInterrupt:  # loading takes a second, and that is long enough to change one's mind
    raise SystemExit(130) from None

app(prog_name="platform-sync")

"""``python -m bot`` is what ``./run`` starts in a checkout; installed, the program is ``platform-sync``."""

try:
    import bot.cli_people  # noqa: F401 # adds the verbs about one person
    from bot.cli import app
except KeyboardInterrupt:  # loading takes a second, in which Ctrl-C may already be pressed
    raise SystemExit(130) from None

if __name__ == "__main__":
    app(prog_name="./run")

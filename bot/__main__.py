"""``python -m bot`` is what ``./run`` starts in a checkout; installed, the program is ``platform-sync``."""

import gc

# Collecting garbage every 700 objects, the default, takes a fourteenth of a first sync and looks at all records again
# and again. With fewer, larger collections the longest stop is half as long (docs/decisions/0022).
gc.set_threshold(3_000, 10, 10)
gc.disable()  # what is loaded stays: looking at it again and again takes a sixth of the time

try:
    import bot.cli_backup
    import bot.cli_export
    import bot.cli_mcp
    import bot.cli_move
    import bot.cli_opt_outs
    import bot.cli_people
    import bot.cli_processes
    import bot.cli_roles
    import bot.cli_search
    import bot.cli_syncs  # noqa: F401 # they add their verbs
    from bot.cli import app
except KeyboardInterrupt:  # loading takes a second, in which Ctrl-C may already be pressed
    raise SystemExit(130) from None

gc.freeze()
gc.enable()

if __name__ == "__main__":
    app(prog_name="platform-sync")

"""How long a test waits for what has to come before it says that it does not."""

PATIENCE_SECONDS = 120.0  # nothing takes so long but on a machine that is busy with much else

"""How many examples a property is tried with: as many as it says in the full run, a tenth with ``--fast``."""

from hypothesis import HealthCheck, settings

# No timing assertions: on a busy machine a slow example says nothing about the code.
_STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_FEWEST = 5

settings.register_profile("full", _STEADY, max_examples=100)
settings.register_profile("fast", _STEADY, max_examples=10)


def choose_profile(*, is_fast: bool) -> None:
    """Set the number of examples of all properties; before their modules are imported."""
    settings.load_profile("fast" if is_fast else "full")


def examples(full: int) -> int:
    """Return the number of examples of this run, given that of the full one."""
    chosen = settings.default
    assert chosen is not None
    return max(_FEWEST, full * chosen.max_examples // 100)

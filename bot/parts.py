"""The parts into which platforms divide their communities, as the adapters of this process tell them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.base import PlatformAdapter
from adapters.parts import UNDIVIDED, Division
from storage.jobs import Claimable
from storage.live import Part
from storage.tenants import tenant_id_of


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of all platforms."""

    adapters: Mapping[str, PlatformAdapter]

    def division(self, platform: str) -> Division:
        """Return how a platform is divided at present; while that is not known, or it is none of ours, not at all."""
        adapter = self.adapters.get(platform)
        return (adapter.division if adapter else None) or UNDIVIDED

    def is_elsewhere(self, tenant_id: str) -> bool:
        """Return whether a tenant's events come by a part that another process has to connect."""
        for name, adapter in self.adapters.items():
            prefix = tenant_id_of(name, "")
            if tenant_id.startswith(prefix) and adapter.division is not None:
                return adapter.division.part_of(tenant_id.removeprefix(prefix)) not in adapter.held
        return False

    def received_until(self) -> dict[Part, datetime | None]:
        """Return until when every event of each connected part has been received; None while none is."""
        connected = self.adapters.items()
        return {(name, part): adapter.received_until(part) for name, adapter in connected for part in adapter.held}

    def claimable(self) -> Claimable:
        """Return of which platforms, and of which parts of the others, jobs can be run here.

        A job of a part that is not ready could only fail.
        """
        platforms, parts = list[str](), list[Part]()
        for name, adapter in self.adapters.items():
            ready = adapter.ready_parts
            if adapter.unready_reason is None and ready >= set(self.division(name).parts):
                platforms.append(name)
            else:
                parts += [(name, part) for part in sorted(ready)]
        return Claimable(platforms=tuple(platforms), parts=tuple(parts))

"""Opt-outs from the command line: begin one, end them, list them.

A person's id is not stored. While a daemon has a SQLite archive open, only it can write, so the request goes to it.
"""

from collections.abc import Callable
from datetime import datetime

from bot.config import Config
from bot.daemon_calls import daemon_at_work, request_removal
from bot.privacy import OnRemoved, Removed, counts, fulfilled, on_archive, read_archive
from storage import privacy
from storage.connection import require_archive
from storage.database import Database
from storage.privacy import OptOut

_BEGIN, _END = "/api/opt-outs", "/api/opt-ins"


async def opt_out(
    config: Config,
    platform: str,
    user_id: str,
    user_hash: str,
    *,
    hash_choice: str,
    tenant_id: str | None,
    erase: bool,
    clock: Callable[[], datetime],
    on_removed: OnRemoved = lambda removed: None,
) -> Removed:
    """Have nothing more stored of what a person writes; return what was removed, by kind.

    Raises:
        StorageError: the archive cannot be used, does not exist, or does not know the tenant.
        DaemonRefused: a daemon has it open, and cannot be reached or refuses.
    """
    await require_archive(config.database.url, hash_choice=hash_choice, tenant_id=tenant_id)
    wanted = {"platform": platform, "user_id": user_id, "tenant_id": tenant_id, "erase": erase}

    async def here(db: Database) -> Removed:
        request = await privacy.opt_out(db, user_hash, tenant_id=tenant_id, now=clock(), erase=erase)
        return counts(await fulfilled(db, request, clock, on_removed))

    async def by_daemon() -> Removed:
        return await request_removal(config, _BEGIN, wanted, on_removed)

    return await on_archive(config, hash_choice, here, by_daemon)


async def opt_in(
    config: Config,
    platform: str,
    user_id: str,
    user_hash: str,
    *,
    hash_choice: str,
    tenant_id: str | None,
    clock: Callable[[], datetime],
) -> int:
    """End a person's opt-out of a tenant, or all of theirs; return how many ended.

    Raises:
        StorageError: the archive cannot be used, does not exist, or does not know the tenant; or the person has opted
            out of all tenants, which cannot end in one.
        DaemonRefused: a daemon has it open, and cannot be reached or refuses.
    """
    await require_archive(config.database.url, hash_choice=hash_choice, tenant_id=tenant_id)
    wanted = {"platform": platform, "user_id": user_id, "tenant_id": tenant_id}

    async def here(db: Database) -> int:
        return len(await privacy.opt_in(db, user_hash, tenant_id=tenant_id, now=clock()))

    async def by_daemon() -> int:
        async with daemon_at_work(config) as daemon:
            return len((await daemon.post(_END, wanted))["opt_outs"])

    return await on_archive(config, hash_choice, here, by_daemon)


async def opted_out_since(
    config: Config, user_hash: str, *, hash_choice: str, tenant_id: str | None
) -> datetime | None:
    """Return when a person requested the opt-out that holds, of the tenant or of all; None where none does.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
    """
    async with read_archive(config, hash_choice) as db:
        theirs = await privacy.list_opt_outs(db, user_hash)
    return next((each.requested_at for each in theirs if each.tenant_id == tenant_id and not each.withheld_until), None)


async def list_opt_outs(config: Config, *, hash_choice: str) -> list[OptOut]:
    """List the opt-outs of an archive, also while a daemon has it open.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
    """
    async with read_archive(config, hash_choice) as db:
        return await privacy.list_opt_outs(db)

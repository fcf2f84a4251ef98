"""The files of an archive are their owner's alone, whatever the umask and whatever they were before."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import open_database
from storage.errors import StorageError
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA

FILES = {"archive.db", "archive.db-shm", "archive.db-wal", "archive.db.lock"}


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def opened(path: Path) -> dict[str, int]:
    """Write into an archive, and return the rights on its files while it is open."""
    db = await open_database(f"sqlite:///{path}", hash_choice=SHA)
    await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    found = modes(path.parent)
    await db.close()
    return found


@pytest.mark.usefixtures("umask")
@pytest.mark.slow
async def test_a_new_archive_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert await opened(folder / "archive.db") == dict.fromkeys(FILES, 0o600)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]


async def test_one_that_others_could_read_is_tightened_and_that_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "old"
    folder.mkdir(0o755)
    for name in ("archive.db", "archive.db.lock"):
        (folder / name).touch()
        (folder / name).chmod(0o666)
    assert await opened(folder / "archive.db") == dict.fromkeys(FILES, 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {Path(record.__dict__["path"]).name for record in caplog.records} == {"old", "archive.db", "archive.db.lock"}


async def test_a_folder_of_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(0o755)
    (folder / "letter.txt").touch(0o644)
    found = await opened(folder / "archive.db")
    assert found == dict.fromkeys(FILES, 0o600) | {"letter.txt": found["letter.txt"]}
    assert folder.stat().st_mode & 0o777 == 0o755


async def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "archive.db.lock").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").chmod(0o644)
    with pytest.raises(StorageError, match=r"archive\.db\.lock"):
        await opened(tmp_path / "archive.db")
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o644

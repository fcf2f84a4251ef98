"""Folders of exported pages whose notes were changed or cut are refused with a reason."""

from pathlib import Path

import orjson
import pytest

from bot.export import FolderRefused, IncompleteExport
from bot.html_export import verify_folder
from bot.html_export.plan import read_plan

NOTE = {"order": {"format": "html"}, "complete": True, "messages": 0}
PLANS = (b"{", b"[]", b"[5]", b'{"5": 7}', b'{"5": {}}', b'{"5": {"folder": "a.5", "pages": [[1]]}}')
OUTSIDE = b'{"5": {"folder": "../other", "pages": [[0, 1]]}}'


@pytest.mark.parametrize("note", [b"", b"[]", b"7", b"{}", b'{"order": "html", "complete": true}'])
def test_a_note_that_is_none(note: bytes, tmp_path: Path) -> None:
    (tmp_path / "_export.json").write_bytes(note)
    with pytest.raises(IncompleteExport, match="it holds no export"):
        verify_folder(tmp_path)


@pytest.mark.parametrize("plan", [*PLANS, OUTSIDE])
def test_a_plan_that_is_none_or_leads_out_of_the_folder(plan: bytes, tmp_path: Path) -> None:
    (tmp_path / "_export.json").write_bytes(orjson.dumps(NOTE))
    (tmp_path / "_pages.json").write_bytes(plan)
    with pytest.raises(IncompleteExport, match="it holds no export"):
        verify_folder(tmp_path)
    with pytest.raises(FolderRefused, match="cannot be read: give a new folder"):
        read_plan(tmp_path)

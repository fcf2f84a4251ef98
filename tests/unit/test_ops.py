"""The dashboard and the alerts ask for figures that there are, and the container's files name what is there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse_text

from bot.archive_figures import archive_figures
from bot.metrics import Metrics, _database_up, _gateways
from storage.database import Database, open_database
from tests.support.builders import NOW, SHA
from tests.support.process import ROOT

OPS = ROOT / "ops"
_NAME = re.compile(r"\b(?:platform_sync|process)_[a-z_]+")
_PARTS = re.compile(r"_(bucket|count|sum|total|created|info)$")


def asked_for(text: str) -> set[str]:
    """The figures that PromQL names."""
    return {_PARTS.sub("", name) for name in _NAME.findall(text)}


def queries() -> Iterator[str]:
    """Every query of the alerts and the dashboard."""
    for group in yaml.safe_load((OPS / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads((OPS / "grafana" / "dashboard.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


async def figures(db: Database) -> set[str]:
    """The figures of a daemon, by their names in the source of the scrape."""
    body, _ = await Metrics().expose("")
    exposed = {family.name for family in parse_text(body.decode())}
    seen = [*_gateways({}), *await archive_figures(db, NOW, ["discord"]), _database_up(1.0)]
    return {_PARTS.sub("", name) for name in exposed | {metric.name for metric in seen}}


async def test_every_figure_that_is_asked_for_is_there(tmp_path: Any) -> None:
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice=SHA)
    try:
        there = await figures(db)
    finally:
        await db.close()
    asked = set[str]().union(*map(asked_for, queries()))
    assert len(asked) > 15
    assert asked <= there, asked - there


def test_every_alert_says_what_to_do() -> None:
    (group,) = yaml.safe_load((OPS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        assert rule["annotations"].keys() == {"summary", "remedy"}, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_panels_do_not_overlap() -> None:
    board = json.loads((OPS / "grafana" / "dashboard.json").read_text())
    places = [panel["gridPos"] for panel in board["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_what_the_compose_file_mounts_is_there() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", ())]
    ours = [mount for mount in mounts if mount.startswith("./")]
    assert ours
    assert all((ROOT / mount).is_file() for mount in ours)
    target = yaml.safe_load((OPS / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"][
        0
    ]
    host = target.partition(":")[0]
    assert services[host]["environment"]["PLATFORM_SYNC_HTTP__ALLOWED_HOSTS"] == host


@pytest.mark.parametrize(
    "line", [line for line in (ROOT / "Containerfile").read_text().splitlines() if line.startswith("COPY")]
)
def test_what_the_container_copies_is_there(line: str) -> None:
    _, source, _ = line.split()
    assert (ROOT / source).exists()
    kept = (ROOT / ".containerignore").read_text().splitlines()
    assert f"!{source}" in kept


def test_the_container_holds_no_secret_and_no_root() -> None:
    text = (ROOT / "Containerfile").read_text()
    assert "TOKEN=" not in text
    assert re.search(r"^USER platform-sync$", text, re.MULTILINE)
    assert text.index("USER platform-sync") < text.index("ENTRYPOINT")

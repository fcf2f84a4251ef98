"""The platforms that keep the contract."""

from collections.abc import Callable

import pytest

from tests.support.contract.discord_stage import DiscordStage, SharedDiscordStage
from tests.support.contract.stage import Stage
from tests.support.parlour.stage import ParlourStage


@pytest.fixture(params=[DiscordStage, ParlourStage], ids=["discord", "parlour"])
def stage(request: pytest.FixtureRequest, restored_addresses: None) -> Stage:
    """A community on each of them."""
    make: Callable[[], Stage] = request.param
    return make()


@pytest.fixture(params=[DiscordStage, SharedDiscordStage, ParlourStage], ids=["discord", "shards", "parlour"])
def every_stage(request: pytest.FixtureRequest, restored_addresses: None) -> Stage:
    """A community on each of them, also where the processes divide its platform's parts."""
    make: Callable[[], Stage] = request.param
    return make()


@pytest.fixture(params=[SharedDiscordStage, ParlourStage], ids=["discord", "parlour"])
def shared_stage(request: pytest.FixtureRequest, restored_addresses: None) -> Stage:
    """A community whose part of the connection is given to one of several processes."""
    make: Callable[[], Stage] = request.param
    return make()

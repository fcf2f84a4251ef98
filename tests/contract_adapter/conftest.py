"""The platforms that keep the contract."""

from collections.abc import Callable

import pytest

from tests.support.contract.discord_stage import DiscordStage
from tests.support.contract.stage import Stage
from tests.support.parlour.stage import ParlourStage


@pytest.fixture(params=[DiscordStage, ParlourStage], ids=["discord", "parlour"])
def stage(request: pytest.FixtureRequest, restored_addresses: None) -> Stage:
    """A community on each of them."""
    make: Callable[[], Stage] = request.param
    return make()

"""The world without a bot, and probes that find its base URLs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.adapters.http_probes import HttpProbes
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.services.supabase import key_of


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(bot=False, keep=tmp_path / "keep", speed=50)) as sandbox:
        yield sandbox


@pytest.fixture
async def probes(sandbox: Sandbox) -> AsyncIterator[HttpProbes]:
    assert sandbox.town is not None
    made = HttpProbes(
        sandbox.addresses,
        authority=sandbox.town.authority,
        keys={"https://yourapp-qa.supabase.co": SecretStr(key_of("qa"))},
    )
    yield made
    await made.close()

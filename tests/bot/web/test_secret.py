"""What links are signed with cannot be guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.messages import UserError
from bot.web.app import secret
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_secret_that_could_be_guessed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with easel(config_in(tmp_path)) as service:
        assert len(secret(service)) == 32
        monkeypatch.setenv("HTTP_SECRET", "a")
        with pytest.raises(UserError) as refused:
            secret(service)
        assert refused.value.message.id == "error-http-secret"
        monkeypatch.setenv("HTTP_SECRET", "0123456789abcdef")
        assert secret(service) == b"0123456789abcdef"

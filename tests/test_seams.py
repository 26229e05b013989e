"""The check for patched and private names sees what it is there to see."""

from __future__ import annotations

import pytest

from tools.seams import findings


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr('bot.metrics.health.PATIENCE_S', 0)",
        "monkeypatch.setattr(mydata, 'MOST_BYTES', 0)",
        "monkeypatch.setattr(service.store, 'probe', None)",
        "mock.patch('storage.store.Store')",
        "service.imagine = broken",
        "service.clock = lambda: 0",
        "assert engine._gate",
    ],
)
def test_what_replaces_our_code_or_reaches_into_it_is_found(line: str) -> None:
    text = f"from bot.commands import mydata\nfrom unittest import mock\ndef broken(): ...\n{line}\n"
    assert [number for number, _ in findings(text)] == [4]


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr(os, 'access', None)",
        "monkeypatch.setattr(Route, 'BASE', Route.BASE)",
        "def put_back(env: os.Env): env.backend.consume = findings\ndef findings(): ...",
        "super()._run_once()",
        "os._exit(1)",
        "monkeypatch.setattr('getpass.getuser', None)",
        "monkeypatch.setenv('EASEL_CONFIG', 'x')",
        "monkeypatch.setitem(sys.modules, 'torch', None)",
        "model.fail = [error]",
        "self._held = None",
    ],
)
def test_the_edge_may_be_replaced_and_what_is_public_set(line: str) -> None:
    assert list(findings(f"import os, sys\nfrom discord.http import Route\n{line}\n")) == []

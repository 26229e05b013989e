"""What all parts of the suite need: its settings, and what a platform has no notion of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from bot.imagine.loras import SHIPPED

if TYPE_CHECKING:
    from tests.bot.faces.driver import Can

INK = SHIPPED["ink"].file
SETTINGS: dict[str, Any] = {
    "moderation": {"blocked_words": ["kitten"]},
    "loras": {"ink": {"file": INK}, "line": {"file": INK}},
}
"""What the suite needs in bot.toml."""
MODELS: dict[str, Any] = {
    "plain": {"path": "embedded", "default": True},
    "careful": {"path": "embedded", "price_factor": 3, "about": {"en": "For posters", "zh-CN": "适合海报"}},
    "studio": {"path": "embedded", "tiers": ["premium"]},
}
several_models = pytest.mark.parametrize("settings", [SETTINGS | {"models": MODELS}], ids=[""])
TWO_FAMILIES = "two families"
"""For the fixture `settings`: a model that varies pictures, and one that edits them, drawn with for real."""
two_families = pytest.mark.parametrize("settings", [TWO_FAMILIES], ids=[""], indirect=True)


def only(can: Can) -> pytest.MarkDecorator:
    """Marks a test of something that a platform may not have."""
    return pytest.mark.parametrize("notion", [can], ids=[can.name.lower()])


class Base:
    """What is said of a platform beside the tests."""

    HELP: ClassVar[tuple[str, ...]] = ("/imagine", "portrait", "final", "--steps", "/quota", "/cancel")
    """What the help of a face names; here, of one where options are typed."""
    KEPT: ClassVar[str] = "error-draining-kept"
    """What a stopping bot says of a request that the next process finishes."""
    ANSWERS_AGAIN: ClassVar[bool] = False
    """Whether an event that is delivered twice has its answer twice: there a client waits for each."""
    CANNOT: ClassVar[dict[Can, str]] = {}
    """Why this platform has no notion of something, as docs/commands.md says it."""

    @pytest.fixture(autouse=True)
    def _possible(self, request: pytest.FixtureRequest) -> None:
        callspec = getattr(request.node, "callspec", None)
        if callspec is not None and (why := self.CANNOT.get(callspec.params.get("notion"))):
            pytest.skip(why)

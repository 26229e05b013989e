"""What is accepted is not lost, and is drawn, shown and charged once."""

from __future__ import annotations

import pytest

from tests.bot.faces.driver import Can, Face, says, used
from tests.bot.faces.suite.base import Base, only


class Restarts(Base):
    """Bots that are stopped or killed, events that come twice, and chats that are gone."""

    @pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
    async def test_a_request_outlives_the_process(self, face: Face, killed: bool) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", event="e1")
        await face.begun()
        await face.stop(killed=killed)
        if not killed:
            assert says(face.words(), self.KEPT)
        face.model.gate.set()
        await face.start()
        await face.settled()
        assert len(face.pictures()) == 1
        assert await used(face) == (1, 0)

    async def test_a_picture_whose_delivery_was_lost_is_delivered_by_the_next_process(
        self, face: Face
    ) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", event="e1")
        await face.begun()
        (live,) = face.service.requests.unfinished()
        await face.lose()
        face.model.gate.set()
        await live.outcome()
        assert await used(face) == (0, 1)
        await face.stop(killed=True)
        assert face.pictures() == []
        await face.start()
        await face.settled()
        assert len(face.pictures()) == 1
        assert len(face.model.drawn) == 1
        assert await used(face) == (1, 0)

    @only(Can.REDELIVER)
    async def test_the_same_event_again_is_the_same_request(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat", event="e1")
        await face.settled()
        said, shown = face.words(), len(face.pictures())
        for restarts in (False, True):
            if restarts:
                await face.stop()
                await face.start()
            await face.redeliver("e1")
            await face.settled()
            assert self.ANSWERS_AGAIN or (face.words(), len(face.pictures())) == (said, shown)
            assert len(face.model.drawn) == 1
            assert await used(face) == (1, 0)

    @only(Can.FETCH)
    async def test_pictures_that_cannot_be_shown_wait_uncharged_until_fetched(
        self, face: Face, notion: Can
    ) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", shared=True, event="e1")
        await face.begun()
        await face.shut()
        face.model.gate.set()
        await face.settled()
        assert await used(face) == (0, 1)
        await face.fetch()
        await face.settled()
        assert len(face.pictures()) == 1
        assert await used(face) == (1, 0)

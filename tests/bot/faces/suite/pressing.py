"""Who may do what to a request, and who reads it."""

from __future__ import annotations

import pytest

from bot.commands.button_ids import Action
from tests.bot.faces.driver import Can, Face, Who, files, says, used
from tests.bot.faces.suite.base import Base, only


class Pressing(Base):
    """The buttons under a picture, and what others read along."""

    @only(Can.PRESS)
    async def test_a_request_is_cancelled_by_its_button(self, face: Face, notion: Can) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", shared=True)
        await face.begun()
        await face.press(Action.CANCEL)
        face.model.gate.set()
        await face.settled()
        assert says(face.words(), "cancelled-refunded")
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    @only(Can.PRESS)
    async def test_nobody_cancels_anothers_but_a_moderator_may(self, face: Face, notion: Can) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", shared=True)
        await face.begun()
        (live,) = face.service.requests.unfinished()
        await face.press(Action.CANCEL, Who.BOB)
        face.model.gate.allow(1)
        assert not live.finished
        await face.press(Action.CANCEL, Who.MODERATOR)
        face.model.gate.set()
        await face.settled()
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    @only(Can.PRESS)
    async def test_anybody_draws_a_picture_again_and_pays_for_it(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        await face.press(Action.AGAIN, Who.BOB)
        await face.settled()
        assert len(face.pictures()) == 2
        assert (await used(face), await used(face, Who.BOB)) == ((1, 0), (1, 0))

    @only(Can.PRESS)
    async def test_a_result_is_drawn_from_by_its_buttons(self, face: Face, notion: Can) -> None:
        kinds = {
            Action.REDRAW: "text",
            Action.SUBTLE: "vary",
            Action.STRONG: "vary",
            Action.WIDER: "inpaint",
            Action.LARGER: "enlarge",
        }
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        for action in kinds:
            await face.press(action)
            await face.settled()
        await face.repaint("5")
        await face.settled()
        told = [row.kind for row in await face.service.store.ledger.rows()]
        assert told == ["text", *kinds.values(), "inpaint"]
        assert len(face.pictures()) == len(told)
        assert await used(face) == (len(told), 0)

    @only(Can.PRESS)
    @pytest.mark.parametrize("who", [Who.ANNA, Who.MODERATOR])
    async def test_a_picture_is_deleted_by_who_asked_or_a_moderator(
        self, face: Face, notion: Can, who: Who
    ) -> None:
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        (kept,) = await files(face)
        await face.press(Action.DELETE, Who.BOB)
        await face.settled()
        assert await files(face) == [kept]
        await face.press(Action.DELETE, who)
        await face.settled()
        assert await files(face) == [None]

    @only(Can.PRESS)
    async def test_buttons_work_after_a_restart(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        await face.stop()
        await face.start()
        await face.press(Action.AGAIN)
        await face.settled()
        assert len(face.pictures()) == 2
        assert await used(face) == (2, 0)

    @only(Can.PRIVATE)
    async def test_what_is_asked_for_privately_is_its_askers_alone(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a secret --private", shared=True)
        await face.settled()
        assert len(face.pictures()) == 1
        assert "a secret" in face.words()
        assert "a secret" not in face.overheard()

    @only(Can.WHISPER)
    async def test_a_refusal_is_read_by_its_asker_alone(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a ＫＩＴＴＥＮ", shared=True)
        await face.settled()
        assert says(face.words(), "moderation-blocked")
        assert face.overheard() == ""

"""Buttons that answer a question or turn a page: link, forget, history. They outlive the process, too."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Self

import discord

from bot.commands import members
from bot.commands.buttons import Action, Press
from bot.commands.general import Card
from bot.discord.caller import place_of
from bot.discord.keyboards import ActionButton
from bot.discord.pages import Reply, card_embed
from bot.messages import UserError
from storage.errors import StorageError

if TYPE_CHECKING:
    from bot.commands.members import LinkStep, Page
    from bot.discord.caller import Place
    from bot.discord.face import Face, Interaction
    from bot.messages import Translator


class Question(StrEnum):
    """What is being answered."""

    LINK = "link"
    LINK_NOT = "unlink"
    FORGET = "forget"
    FORGET_NOT = "keep"
    OLDER = "older"


QUESTION_ID = re.compile(rf"(?P<question>{'|'.join(Question)})\?(?P<target>[\w-]{{0,64}})")


class QuestionButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=QUESTION_ID):
    """One answer to a question."""

    def __init__(
        self,
        question: Question,
        target: str = "",
        label: str = "…",
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        row: int | None = None,
    ) -> None:
        self.question, self.target = question, target
        super().__init__(
            discord.ui.Button(style=style, label=label, custom_id=f"{question}?{target}", row=row)
        )

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[discord.Client],
        item: discord.ui.Item[discord.ui.View | discord.ui.LayoutView],
        match: re.Match[str],
    ) -> Self:
        """The button that was pressed."""
        return cls(Question(match["question"]), match["target"])

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        """Answer in the place of the question."""
        face = interaction.client
        await interaction.response.defer()
        try:
            place = await place_of(face.service, interaction)
            reply = await _answer(face, place, self.question, self.target)
            await interaction.edit_original_response(embeds=list(reply.embeds), view=reply.view)
        except (UserError, StorageError) as error:
            await face.whisper(interaction, error)
        except Exception as error:
            await face.failed(interaction, error)


def link_reply(step: LinkStep, t: Translator) -> Reply:
    """A step of `/link`, with yes and no where it asks."""
    if step.offer_id is None:
        return Reply((card_embed(step.card),))
    view = discord.ui.View(timeout=None)
    success = discord.ButtonStyle.success
    view.add_item(QuestionButton(Question.LINK, step.offer_id, t("link-yes"), success))
    view.add_item(QuestionButton(Question.LINK_NOT, step.offer_id, t("link-no")))
    return Reply((card_embed(step.card),), view)


def forget_reply(t: Translator) -> Reply:
    """Whether everything shall be erased."""
    view = discord.ui.View(timeout=None)
    view.add_item(QuestionButton(Question.FORGET, "", t("forget-yes"), discord.ButtonStyle.danger))
    view.add_item(QuestionButton(Question.FORGET_NOT, "", t("forget-no")))
    return Reply((card_embed(members.forget_question(t)),), view)


def history_reply(page: Page, t: Translator) -> Reply:
    """A page of history: a card and the buttons of its pictures for each request."""
    embeds = [discord.Embed(title=page.title)] if not page.entries else []
    view = discord.ui.View(timeout=None)
    for row, entry in enumerate(page.entries):
        embeds.append(card_embed(entry.card))
        for button in _entry_buttons(entry, f"{row + 1}", t):
            view.add_item(button)
    if page.after:
        view.add_item(QuestionButton(Question.OLDER, page.after, t("history-more")))
    return Reply(tuple(embeds), view if view.children else None)


def _entry_buttons(entry: members.Entry, number: str, t: Translator) -> list[ActionButton]:
    """What was never handed over is fetched as a whole; the rest is there file by file."""
    if entry.waiting:
        label = f"{number} · {t('button-fetch')}"
        return [ActionButton(Press(Action.FETCH, entry.request_id), label)]
    single = len(entry.job_ids) == 1
    return [
        ActionButton(Press(Action.SINGLE, job_id), number if single else f"{number}.{n}")
        for n, job_id in enumerate(entry.job_ids, 1)
    ]


async def _answer(face: Face, place: Place, question: Question, target: str) -> Reply:
    service, asker, t = face.service, place.asker, place.t
    match question:
        case Question.LINK | Question.LINK_NOT:
            yes = question is Question.LINK
            card = await members.answer_link(service, asker, target, yes=yes, t=t)
        case Question.FORGET:
            card = await members.forget(service, asker, t)
            face.recent.forget(int(asker.user_id))
        case Question.FORGET_NOT:
            card = Card(t("forget-title"), text=t("forget-kept"))
        case Question.OLDER:
            return history_reply(await members.history(service, asker, target, t), t)
    return Reply((card_embed(card),))

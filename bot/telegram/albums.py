"""Which picture each message of an album shows, for whoever replies to one of them.

Albums cannot carry buttons, so this is remembered only while the process lives; the message below an album
has buttons and answers for all of it at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REMEMBERED = 20_000


class Albums:
    """The newest messages of albums, by chat and number."""

    def __init__(self) -> None:
        self._job_ids: dict[tuple[int, int], str] = {}

    def remember(self, chat_id: int, job_ids: Mapping[int, str]) -> None:
        """`job_ids` by message."""
        self._job_ids |= {(chat_id, message_id): job_id for message_id, job_id in job_ids.items()}
        for oldest in list(self._job_ids)[: max(0, len(self._job_ids) - REMEMBERED)]:
            del self._job_ids[oldest]

    def find(self, chat_id: int, message_id: int) -> str | None:
        """The picture that a message shows; None where that is not known (any more)."""
        return self._job_ids.get((chat_id, message_id))

"""What members asked for lately, in memory: autocomplete must answer before any store could."""

from __future__ import annotations

from collections import OrderedDict, deque

MEMBERS, PROMPTS = 2_000, 10


class Recent:
    """The last few prompts of the members seen last."""

    def __init__(self) -> None:
        self._prompts: OrderedDict[int, deque[str]] = OrderedDict()

    def add(self, user_id: int, prompt: str) -> None:
        """Note that a member asked for this."""
        prompts = self._prompts.setdefault(user_id, deque(maxlen=PROMPTS))
        self._prompts.move_to_end(user_id)
        if prompt in prompts:
            prompts.remove(prompt)
        prompts.appendleft(prompt)
        if len(self._prompts) > MEMBERS:
            self._prompts.popitem(last=False)

    def knows(self, user_id: int) -> bool:
        """Whether anything is remembered of a member."""
        return user_id in self._prompts

    def forget(self, user_id: int) -> None:
        """Remember nothing of a member."""
        self._prompts.pop(user_id, None)

    def matching(self, user_id: int, typed: str) -> list[str]:
        """A member's prompts that hold what is typed so far, the newest first."""
        word = typed.strip().casefold()
        return [prompt for prompt in self._prompts.get(user_id, ()) if word in prompt.casefold()]

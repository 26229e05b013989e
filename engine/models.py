"""The models that a front can have drawn, and how long their pictures take on the average worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.predict import Predictor
from engine.request import ModelAway

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.families.profile import Profile


class Models:
    """By the name in their profile. Who names none gets the first."""

    def __init__(self, first: Profile, others: Iterable[Profile] = ()) -> None:
        self._known = {profile.name: Predictor(profile) for profile in others}
        self.first = Predictor(first)

    def adopt(self, profile: Profile) -> None:
        """The first model is this one, as who draws it knows it."""
        self.first = Predictor(profile)

    def add(self, profile: Profile) -> None:
        """A worker has come that draws it."""
        if profile.name != self.first.profile.name:
            self._known.setdefault(profile.name, Predictor(profile))

    def predictor(self, name: str) -> Predictor:
        """Raises ModelAway for a model that nobody has."""
        if name in ("", self.first.profile.name):
            return self.first
        if name not in self._known:
            raise ModelAway(name)
        return self._known[name]

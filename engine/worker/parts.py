"""Components of models: where their weights are, and having equal ones only once."""

from __future__ import annotations

import contextlib
import hashlib
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.worker.hostcopy import HostCopy, nbytes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import torch


class Part:
    """A component, of one model or of several."""

    def __init__(self, module: torch.nn.Module, device: torch.device, *, pins: bool) -> None:
        self.module = module
        self._device = device
        self._pins = pins
        self._copy: HostCopy | None = None
        """From when it was off the device for the first time."""
        self._visits = False
        """It comes to the device for each call alone."""
        self._users: set[object] = set()
        """Models that are on the device."""

    @property
    def stays(self) -> bool:
        """On the device between calls, while a model is that has it."""
        return not self._visits

    @property
    def missing_bytes(self) -> int:
        """Main memory that it takes to leave the device."""
        return nbytes_of(self.module) if self._copy is None else 0

    def come(self, user: object) -> None:
        """This model is on the device from now on."""
        self._users.add(user)
        if self._copy is not None and self.stays:
            self._copy.come()

    def leave(self, user: object) -> None:
        """This model is no longer; with the last one that has it, its weights go."""
        self._users.discard(user)
        if not self._users and self.stays:
            self._go_home()

    def forget(self, user: object) -> None:
        """This model has it no more."""
        self._users.discard(user)

    def lighten(self) -> None:
        """Stay off the device between calls from now on."""
        if self.stays:
            self._go_home()
            self._visits = True

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """It is on the device inside this."""
        with self._copy.on_device() if self._copy and self._visits else contextlib.nullcontext():
            yield

    def _go_home(self) -> None:
        if self._copy is None:
            self._copy = HostCopy(self.module, self._device, pins=self._pins)
        else:
            self._copy.leave()


@dataclass(frozen=True, slots=True)
class Source:
    """What a component is loaded from."""

    folder: Path
    how: tuple[object, ...]
    """Everything but its files that it depends on."""

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*") if path.suffix in (".safetensors", ".json"))

    @property
    def looks(self) -> tuple[object, ...]:
        """What can be told without reading it: other looks, another component."""
        return *self.how, *((file.name, file.stat().st_size) for file in self.files)


class Parts:
    """Those of a worker's models. A component that two of them have is loaded once."""

    def __init__(self, sources: Sequence[Callable[[], Mapping[str, Source]]] = ()) -> None:
        self._sources = sources
        """Of each model, by component; asked once the files are here."""
        self._digests: dict[Path, str] = {}
        self._parts: weakref.WeakValueDictionary[str, Part] = weakref.WeakValueDictionary()

    def get(self, source: Source | None, load: Callable[[], Part]) -> Part:
        """Raises what `load` raises, where no other model has it loaded."""
        key = self._digest(source) if source is not None else None
        if key is None:
            return load()
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = load()
        return part

    def digests(self, sources: Mapping[str, Source]) -> dict[str, str]:
        """Of those components that another model may have too. Reads all of their files."""
        told = {name: self._digest(source) for name, source in sources.items()}
        return {name: digest for name, digest in told.items() if digest is not None}

    def _digest(self, source: Source) -> str | None:
        """None for a component that looks like no other."""
        if source.folder not in self._digests:
            everybody = [other for of_model in self._sources for other in of_model().values()]
            if sum(other.looks == source.looks for other in everybody) < 2:
                return None
            told = hashlib.sha256(repr(source.how).encode())
            for file in source.files:
                with file.open("rb") as data:
                    told.update(hashlib.file_digest(data, "sha256").digest())
            self._digests[source.folder] = told.hexdigest()
        return self._digests[source.folder]

"""The store: opened once, with a part for each subject (`store.members`, `store.jobs`, ...)."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from . import backup, checking, keyfile, opening
from .audit import Audit
from .clock import utc_us
from .connection import Connection
from .core import Core, in_thread
from .errors import CannotOpen, Problem, StoreUnavailable
from .images import ImageFolder
from .jobs import Jobs
from .keys import Keys
from .ledger import Ledger
from .links import Links
from .members import Members
from .meter import Meter
from .pictures import Pictures
from .refunds import Refunds
from .requests import Requests
from .sales import Sales
from .serving import Serving
from .sessions import Sessions
from .settings import Settings
from .space import require_room
from .stats import Statistics
from .vouchers import Vouchers
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType

    from .backup import Backup
    from .clock import Clock
    from .months import Calendar
    from .policy import Policy
    from .records.findings import Finding

T = TypeVar("T")

MIN_FREE_BYTES = 64 << 20
"""A disk with less refuses new requests: room for the pictures that are on their way, and for the log."""


class Store:
    """Open it with `async with await Store.open(...) as store`.

    `storage/core.py` says which verbs wait while the disk refuses, and which raise StoreUnavailable.
    """

    @classmethod
    async def open(
        cls,
        path: Path,
        policy: Policy,
        *,
        clock: Clock = utc_us,
        secret: bytes | None = None,
        serving: bool = True,
        create: bool = True,
        on_trouble: Callable[[StoreUnavailable], None] | None = None,
        on_step: Callable[[str], None] = lambda step: None,
        on_statement: Callable[[str], None] | None = None,
        retry_s: float = 2.0,
        min_free_bytes: int = MIN_FREE_BYTES,
        durable: bool = True,
    ) -> Self:
        """Open or create the database at `path`, bring it up to date and repair what a crash left.

        Pictures are kept in a folder beside it. `secret` keys the hashes of forgotten members; by default it
        is kept in a file beside the database. `serving` is for the one process that draws (False for commands
        that run beside it); `create=False` refuses where there is no database yet. `on_trouble` is called, on
        the event loop, for each StoreUnavailable; `on_step` at named places between writes, for tests that
        kill there; `on_statement` with every SQL statement. What waits until it is stored is tried again
        every `retry_s`. What is not `durable` outlasts this process but no power cut: for tests and
        simulations.
        Raises CannotOpen (DatabaseTooNew, AlreadyServing), StoreUnavailable.
        """
        if not create and not await asyncio.to_thread(path.exists):
            raise CannotOpen(Problem.NO_DATABASE, file=str(path))
        folder = ImageFolder(path.parent / "images", on_step, durable=durable)
        async with AsyncExitStack() as stack:
            if serving:
                stack.enter_context(await asyncio.to_thread(Serving, path))
                await in_thread(backup.sweep, path)
                await in_thread(backup.delete_old_copies, path, clock(), policy.backups_keep_days)
            connect = partial(_connect, stack, path, on_statement)
            writing = await connect(durable=durable)
            await writing.run(partial(opening.prepare, database=path, currency=policy.currency))
            if secret is None:
                secret = await writing.run(partial(keyfile.load_or_create, database=path))
            await in_thread(folder.prepare, clear=serving)
            reading, reporting = await connect(query_only=True), await connect(query_only=True)
            writer = Writer(writing, on_trouble=on_trouble, on_step=on_step, retry_s=retry_s)
            stack.push_async_callback(writer.close)
            core = Core(
                path=path,
                policy=policy,
                clock=clock,
                key=secret,
                folder=folder,
                reading=reading,
                reporting=reporting,
                writer=writer,
                on_trouble=on_trouble,
                retry_s=retry_s,
                min_free_bytes=min_free_bytes,
            )
            store = cls(core, stack)
            if serving:
                await store._serve()
            store._stack = stack.pop_all()
        return store

    def __init__(self, core: Core, stack: AsyncExitStack) -> None:
        """Use `open`."""
        self._core = core
        self._stack = stack
        self.pictures = Pictures(core)
        self.requests = Requests(core, self.pictures)
        self.jobs = Jobs(core, self.pictures)
        self.ledger = Ledger(core)
        self.members = Members(core, self.pictures)
        self.links = Links(core)
        self.keys = Keys(core)
        self.sessions = Sessions(core)
        self.settings = Settings(core)
        self.audit = Audit(core)
        self.meter = Meter(core)
        self.stats = Statistics(core)
        self.sales = Sales(core)
        self.refunds = Refunds(core)
        self.vouchers = Vouchers(core)

    async def close(self) -> None:
        """Write what is waiting, fold the log into the database and let go of it."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def core(self) -> Core:
        """What the subjects share."""
        return self._core

    @property
    def calendar(self) -> Calendar:
        """Months and days in the configured time zone."""
        return self._core.policy.calendar

    @property
    def currency(self) -> str:
        """What all amounts are micro-units of."""
        return self._core.policy.currency

    def derived_key(self, purpose: str) -> bytes:
        """32 secret bytes for one purpose, the same at every start; they tell nothing of the key file's."""
        return hmac.digest(self._core.key, purpose.encode(), "sha256")

    async def until_stored(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Repeat a verb that raises StoreUnavailable until it no longer does."""
        return await self._core.until_stored(operation)

    async def probe(self) -> None:
        """Write something, and look whether pictures can be stored. Raises StoreUnavailable."""
        require_room(self._core)
        await self._core.writer.write(partial(opening.probe, word=secrets.token_hex(8)))

    async def backup(self, folder: Path) -> Backup:
        """Write database, pictures and key into a folder while the bot runs.

        Raises CannotOpen where the folder holds something else, StoreUnavailable.
        """
        core = self._core
        return await core.in_thread(backup.backup, core.path, core.folder.path, folder)

    async def check(self) -> list[Finding]:
        """The file's integrity and every invariant; empty when all is well."""
        return await self._core.in_thread(checking.check, self._core.path, self._core.folder.has)

    async def _serve(self) -> None:
        """Begin what only the process that draws does."""
        self._stack.push_async_callback(self._core.stop_folding)
        await self.meter.begin()
        self._stack.push_async_callback(self._stop_metering)
        await self.pictures.delete_orphans()
        self._core.start_folding()

    async def _stop_metering(self) -> None:
        with suppress(StoreUnavailable):  # then the next start counts the time until it as lost
            await self.meter.stop()


async def _connect(
    stack: AsyncExitStack,
    path: Path,
    on_statement: Callable[[str], None] | None,
    *,
    query_only: bool = False,
    durable: bool = True,
) -> Connection:
    """A connection that is closed with the stack."""
    connection = await Connection.open(
        path, query_only=query_only, durable=durable, on_statement=on_statement
    )
    stack.push_async_callback(connection.close)
    return connection

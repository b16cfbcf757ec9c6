"""Which account an inbound event belongs to, and whether what it says of the application is true."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from b24_pipeline.bitrix.events.inbound import INSTALLED, UNINSTALLED, InboundEvent
from b24_pipeline.errors import B24Error, DatabaseError, InstallUnproved, PortalUnreachable, TooOften
from b24_pipeline.log import logger
from b24_pipeline.store.events.senders import RELOAD_SECONDS, Authenticator
from b24_pipeline.web.events.removal_checks import RemovalChecks

log = logger("receiver")

SECONDS_TO_PROVE = 0.9
MOST_ASKED_AT_ONCE = 4
"""Installations handled at once. Each asks another server, and a stranger can send any number."""
MOST_LEARNT_AT_ONCE = 8
"""Application tokens that are proved at once."""
MOST_LEARNT_OF_ONE = 2
"""Of these so many that one sender brings for one portal, which has one."""

OnInstall = Callable[[InboundEvent, str], Any]
"""Proves an installation by its access token and stores it; returns the portal, which has an `id`. Raises B24Error."""
Prove = Callable[[InboundEvent, str], object]
"""Stores the application token of an event that the access token in it proves. Raises B24Error."""
IsRemoved = Callable[[UUID], bool]
"""Whether our own credential of an account is refused, so that its application was removed. Raises B24Error."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What asks others about an event, with the address that it came from.

    Without `on_install` no installation is accepted, without `prove` no token that is not known, and without
    `is_removed` no removal.
    """

    on_install: OnInstall | None = None
    prove: Prove | None = None
    is_removed: IsRemoved | None = None


class Proving:
    """Proves events; all calls are made in one event loop."""

    def __init__(self, authenticator: Authenticator, proofs: Proofs) -> None:
        self._authenticator = authenticator
        self._proofs = proofs
        self._learning: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._learning_of: Counter[tuple[str, str]] = Counter()
        self._removals = RemovalChecks(self._is_removed)
        self._installing = 0
        # whatever others take their time over, who may send is read at once
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="b24-senders")
        self._threads = ThreadPoolExecutor(
            MOST_ASKED_AT_ONCE + MOST_LEARNT_AT_ONCE, thread_name_prefix="b24-proofs"
        )

    async def account_of(self, event: InboundEvent, sender: str) -> UUID | None:
        """The account that the event belongs to, None where nothing proves it, or where it says what is not true.

        `sender` is the address that it came from. Raises DatabaseError, and TimeoutError where it cannot be proved now.
        """
        if event.event == INSTALLED and self._proofs.on_install:
            return await self._install(event, sender, self._proofs.on_install)
        account = await self._proved_account(event, sender)
        if (
            account is not None
            and event.event == UNINSTALLED
            and not await self._removals.is_removed(account)
        ):
            return None
        return account

    async def look_again(self) -> None:
        """Reads the senders again; where the database is away, those that are known stay valid."""
        await self._reload(lambda: self._authenticator.reload(after_seconds=0.0))

    def close(self) -> None:
        """Ends the threads."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _proved_account(self, event: InboundEvent, sender: str) -> UUID | None:
        senders = self._authenticator
        if senders.is_stale():
            await self._reload(senders.reload)
        account = senders.account_of(event.member_id, event.application_token)
        if account is None and senders.is_stale(after_seconds=RELOAD_SECONDS):
            await self._reload(lambda: senders.reload(after_seconds=RELOAD_SECONDS))
            account = senders.account_of(event.member_id, event.application_token)
        prove = self._proofs.prove
        if account is None and prove and event.access_token and senders.may_be_proved(event.member_id):
            await self._learn(event, sender, prove)
            account = senders.account_of(event.member_id, event.application_token)
        return account

    async def _learn(self, event: InboundEvent, sender: str, prove: Prove) -> None:
        """Waits for the proof of a token; the events of a burst share one proof, those of a liar have their own."""
        token, one = (event.member_id, event.application_token), (sender, event.member_id)
        if token not in self._learning:
            if self._learning_of[one] >= MOST_LEARNT_OF_ONE or len(self._learning) >= MOST_LEARNT_AT_ONCE:
                return
            self._learning_of[one] += 1
            self._learning[token] = asyncio.create_task(self._proof(event, sender, prove))
            self._learning[token].add_done_callback(lambda _: self._learnt(token, one))
        async with asyncio.timeout(SECONDS_TO_PROVE):
            await asyncio.shield(self._learning[token])

    def _learnt(self, token: tuple[str, str], one: tuple[str, str]) -> None:
        del self._learning[token]
        self._learning_of[one] -= 1
        if not self._learning_of[one]:
            del self._learning_of[one]

    async def _proof(self, event: InboundEvent, sender: str, prove: Prove) -> None:
        """Proves without a time limit: an event that did not wait for it is refused, the next one is known."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, prove, event, sender)
        except InstallUnproved:
            return
        except B24Error as error:
            log.warning("an event could not be proved", member_id=event.member_id, error=str(error))
        await self.look_again()

    async def _install(self, event: InboundEvent, sender: str, install: OnInstall) -> UUID | None:
        """The account that was made or renewed, None for an installation that cannot be proved."""
        if self._installing >= MOST_ASKED_AT_ONCE:
            raise TimeoutError
        self._installing += 1
        try:
            portal = await asyncio.get_running_loop().run_in_executor(self._threads, install, event, sender)
        except (DatabaseError, PortalUnreachable, TooOften):
            raise TimeoutError from None
        except InstallUnproved:
            return None
        except B24Error as error:
            log.warning("an installation was refused", error=str(error))
            return None
        finally:
            self._installing -= 1
        account: UUID = portal.id
        return account

    async def _is_removed(self, account: UUID) -> bool:
        if self._proofs.is_removed is None:
            return False
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._proofs.is_removed, account)
        except B24Error as error:
            log.warning("a removal could not be confirmed", account=str(account), error=str(error))
            raise TimeoutError from None

    async def _reload(self, reload: Callable[[], None]) -> None:
        with suppress(DatabaseError, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_PROVE):
                await asyncio.get_running_loop().run_in_executor(self._reader, reload)

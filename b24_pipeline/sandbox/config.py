"""What a sandbox portal is like: how much data, which limits, what a request costs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal


@dataclass(frozen=True)
class CostModel:
    """Seconds that the portal takes; slept, not burnt, while one of `workers` slots is held.

    `counted_row_seconds` is paid for each row that matches the filter whenever `total` is
    computed (`start` other than -1). A request dearer than `request_limit_seconds` ends as
    the gateway's 504 page (docs/bitrix24-rest.md, section 3.4).
    """

    request_seconds: float = 0.060
    command_seconds: float = 0.006
    row_seconds: float = 0.00025
    counted_row_seconds: float = 2e-6
    workers: int = 8
    request_limit_seconds: float = 60.0

    @classmethod
    def free(cls) -> CostModel:
        """Answer as fast as the machine can; operating time is then the real run time."""
        return cls(0.0, 0.0, 0.0, 0.0)

    @property
    def is_free(self) -> bool:
        """Whether calls cost no operating time."""
        return not (
            self.request_seconds or self.command_seconds or self.row_seconds or self.counted_row_seconds
        )


@dataclass(frozen=True)
class Limits:
    """The leaky bucket (docs/bitrix24-rest.md, section 3.1) and the operating time (3.2).

    `burst=None` means no bucket, `operating_limit_seconds=None` no time budget; operating
    time is reported all the same. A smaller `operating_window_seconds` makes the ten
    buckets shorter, so that a test need not wait for ten minutes. `ban_seconds` switches
    from the sliding release to a fixed ban. Run time up to `operating_floor_seconds` a call
    is not recorded: the cloud's figure is 0.1, the sandbox records all by default.
    """

    burst: int | None = 50
    leak_per_second: float = 2.0
    operating_limit_seconds: float | None = 480.0
    operating_window_seconds: float = 600.0
    ban_seconds: float | None = None
    bill_batch: Literal["command", "batch"] = "command"
    operating_floor_seconds: float = 0.0

    @classmethod
    def off(cls) -> Limits:
        """Limits that never refuse."""
        return cls(burst=None, operating_limit_seconds=None)

    @classmethod
    def standard(cls) -> Limits:
        """The limits of every cloud plan but Enterprise."""
        return cls()


@dataclass(frozen=True)
class EventDelivery:
    """How the portal sends its events (docs/bitrix24-rest.md, section 7.4), and how badly.

    `duplicate`, `reorder` and `lose` are shares of events from 0 to 1: sent once more a
    little later, sent after those raised behind it, not sent at all. Every event waits
    `delay_seconds`; `burst` of them leave at once, on as many connections. Equal seeds
    distort equally. Without `tokens` apps get events without OAuth tokens, as when a
    robot caused them. A handler that has not answered in `timeout_seconds` is given up.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    lose: float = 0.0
    delay_seconds: float = 0.0
    burst: int = 1
    seed: int = 0
    tokens: bool = True
    timeout_seconds: float = 10.0

    @classmethod
    def parse(cls, text: str) -> EventDelivery:
        """`lose=0.1,duplicate=0.2,delay_seconds=1,tokens=0`; ValueError says what is wrong."""
        kinds: dict[str, type] = {name: type(value) for name, value in asdict(cls()).items()}
        given: dict[str, Any] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = pair.partition("=")
            if name not in kinds:
                raise ValueError(f"{name!r} is none of {', '.join(kinds)}")
            given[name] = bool(int(value)) if kinds[name] is bool else kinds[name](value)
        return cls(**given)

    def __post_init__(self) -> None:
        """ValueError for what is no share or no number of events."""
        if not all(0 <= share <= 1 for share in (self.duplicate, self.reorder, self.lose)):
            raise ValueError("duplicate, reorder and lose are shares from 0 to 1")
        if self.burst < 1 or self.delay_seconds < 0:
            raise ValueError("burst is at least 1 and delay_seconds at least 0")


COUNTED = (
    "smart_types", "smart_items", "invoices", "quotes", "activities", "calls", "product_rows", "products",
    "tasks", "requisites", "comments",
)  # fmt: skip
"""The fields of SandboxConfig that say how many there are of what a plain portal has not."""

TO_TRY: Mapping[str, Any] = {"smart_types": 2, "smart_items": 60, "invoices": 150, "quotes": 80}
"""What a portal to look at has beside leads and deals, so that there is something to choose; the rest is the same."""


def parse_counts(text: str) -> dict[str, Any]:
    """`smart_types=3,invoices=100` as fields of SandboxConfig; ValueError says what is wrong."""
    counts: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = pair.partition("=")
        if name not in COUNTED:
            raise ValueError(f"{name!r} is none of {', '.join(COUNTED)}")
        if not number.isdecimal():
            raise ValueError(f"{name} is a number of rows, not {number!r}")
        counts[name] = int(number)
    return counts


@dataclass(frozen=True)
class Quirks:
    """What a portal may do otherwise than the rest (docs/bitrix24-rest-more.md).

    `no_total` methods never tell `total`. Types in `forbidden_types` are not readable for
    the caller. `original_names_drop_standard`: with `useOriginalUfNames` and an explicit
    select, items show user fields alone (1.3). `type_deletion_tells_items`: a smart process that
    is deleted raises an event for each of its items (1.5). `switched_off_as_null`: columns whose
    switch is off are in items, and null (1.2). With `admin_lost` the caller
    was an administrator of the CRM and is none any more. `activity_bindings_in_select`: a list of
    activities shows `BINDINGS` if they are selected (4). Of calls (5): parameters in lower case are
    ignored, the right to see them is missing, or it covers `calls_of_users` alone. Product
    rows of several owners at once (3.1) come `together`, are `refused`, or are those of the
    `first` element of the type.
    """

    no_total: tuple[str, ...] = ()
    forbidden_types: tuple[int, ...] = ()
    original_names_drop_standard: bool = False
    type_deletion_tells_items: bool = False
    switched_off_as_null: bool = False
    admin_lost: bool = False
    activity_bindings_in_select: bool = False
    calls_ignore_lower_case: bool = True
    calls_forbidden: bool = False
    calls_of_users: tuple[int, ...] = ()
    row_owners: Literal["together", "refused", "first"] = "together"

    def changed(self, **changes: Any) -> Quirks:
        """These with others, given as JSON has them; TypeError names what there is not."""
        wanted: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()
        }
        return replace(self, **wanted)


def today() -> datetime:
    """The last midnight, UTC: where data ends that a person is to look at, so that the last 90 days are never empty."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class SandboxConfig:
    """One portal. Equal configurations generate equal data.

    `now` is where the generated data ends (aware; default 2026-11-01 UTC); the portal's own
    clock is the machine's plus `clock_offset_seconds`. `contacts` and `companies` left out
    follow from the number of leads and deals. There are `smart_types` smart processes with
    `smart_items` items each; without `invoices` or `quotes` the portal does not know that
    type. `quirks` are what some portals do and others do not. `history_current_pipeline_only` reproduces
    the gap of docs/bitrix24-rest.md, section 6.5, `unstable_order` changes the order of every list that asked
    for none. `client_id`, `client_secret`, `application_token` left empty follow from the
    seed. `identity` tells portals of one seed apart: the `member_id` and the application token follow from it, too.
    `offline_extended` is the plan's feature that lets offline events be reserved,
    `license_family` what `app.info` tells apps: `ent` is Enterprise.
    """

    leads: int = 1000
    deals: int = 1000
    contacts: int | None = None
    companies: int | None = None
    smart_types: int = 0
    smart_items: int = 0
    invoices: int = 0
    quotes: int = 0
    activities: int = 0
    calls: int = 0
    product_rows: int = 0
    products: int = 0
    tasks: int = 0
    requisites: int = 0
    comments: int = 0
    seed: int = 7
    identity: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    now: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    clock_offset_seconds: float = 0.0
    cost: CostModel = field(default_factory=CostModel.free)
    limits: Limits = field(default_factory=Limits.off)
    scope: tuple[str, ...] = ("crm", "user", "department")
    user_id: int = 1
    secret: str = ""
    admin: bool = True
    history_current_pipeline_only: bool = False
    history_survives_delete: bool = False
    unstable_order: bool = False
    escape_slashes: bool = True
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    application_token: str = field(default="", repr=False)
    redirect_uri: str = "http://127.0.0.1:8024/bitrix24/callback"
    access_token_seconds: float = 3600.0
    code_seconds: float = 30.0
    refresh_is_single_use: bool = True
    offline_extended: bool = True
    license_family: str = "basic"
    events: EventDelivery = field(default_factory=EventDelivery)
    quirks: Quirks = field(default_factory=Quirks)

    def __post_init__(self) -> None:
        """Derive names and secrets from the seed, so that a portal's are the same every time."""
        self._derive("secret", self._digest("secret")[:16])
        self._derive("client_id", f"local.{self._digest('client')[:22]}")
        self._derive("client_secret", self._digest("client secret")[:50])
        self._derive("application_token", self._digest(f"application token{self.identity}")[:32])

    def _derive(self, name: str, value: str) -> None:
        if not getattr(self, name):
            object.__setattr__(self, name, value)

    @property
    def member_id(self) -> str:
        """The portal's identity: 32 hex digits (docs/bitrix24-rest.md, section 2.5)."""
        return self._digest(f"member{self.identity}")[:32]

    @property
    def contact_count(self) -> int:
        """Contacts to generate."""
        return (self.leads + self.deals) * 2 // 5 if self.contacts is None else self.contacts

    @property
    def company_count(self) -> int:
        """Companies to generate."""
        return self.contact_count // 5 if self.companies is None else self.companies

    def _digest(self, purpose: str) -> str:
        return hashlib.sha256(f"b24-sandbox:{self.seed}:{purpose}".encode()).hexdigest()

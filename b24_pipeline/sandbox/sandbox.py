"""`Sandbox`: a portal with its server, for tests and demos."""

from __future__ import annotations

import gc
import threading
from itertools import count
from types import TracebackType

from b24_pipeline.sandbox.addresses import SandboxAddresses
from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.controls.app_steering import AppSteering
from b24_pipeline.sandbox.controls.faults import Faults
from b24_pipeline.sandbox.controls.people_steering import PeopleSteering
from b24_pipeline.sandbox.controls.steering import Steering
from b24_pipeline.sandbox.controls.type_steering import TypeSteering
from b24_pipeline.sandbox.http.control import Control
from b24_pipeline.sandbox.http.gateway import Gateway
from b24_pipeline.sandbox.http.server import Server, listening
from b24_pipeline.sandbox.journal import Journal, RequestRecord, Stats
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.executor import Executor
from b24_pipeline.sandbox.rest.limiter import OperatingWindow, RequestBucket


class Sandbox(Steering, AppSteering, TypeSteering, PeopleSteering):
    """A local Bitrix24 portal; the data are generated here, the server runs between start and stop."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        opened = listening(self.config.host, self.config.port)
        addresses = SandboxAddresses(f"{self.config.host}:{opened.getsockname()[1]}")
        portal = PortalState(self.config, addresses)
        Steering.__init__(self, portal)
        AppSteering.__init__(self, portal, self._listen_also)
        self._stopped = threading.Event()
        self.faults = Faults()
        self._journal = Journal()
        self._bucket = RequestBucket(self.config.limits)
        self._operating = OperatingWindow(self.config.limits)
        self._server = Server(self._gateway(), opened)

    def _gateway(self) -> Gateway:
        executor = Executor(self.portal, self._operating, self.faults)
        control = Control(self, self, self, self, self.faults, self._journal, lambda: self.stats)
        return Gateway(self.portal, executor, self._bucket, self.faults, self._journal, control)

    def _listen_also(self, host: str, port: int) -> None:
        self._server.listen(host, port)

    def start(self) -> Sandbox:
        """Serve in a background thread."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving and sending events; the data and the journal stay readable."""
        self._stopped.set()
        self.portal.sender.stop()
        self._server.stop()

    def keep_changing(self, every_seconds: float, seed: int = 1) -> None:
        """From now until the end something happens every so often, as in a company's day (`work`)."""

        def work() -> None:
            for number in count():
                if self._stopped.wait(every_seconds):
                    return
                self.work(1, seed + number)

        threading.Thread(target=work, name="b24-sandbox-changes", daemon=True).start()

    def run(self) -> None:
        """Serve in the foreground until SIGTERM or SIGINT."""
        # The process is the portal's alone: its data need not be searched for garbage.
        gc.freeze()
        self._server.run()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The portal's present origin, `http://127.0.0.1:41234`."""
        return self.portal.addresses.url

    @property
    def authorization_url(self) -> str:
        """The authorization server's origin, which outlives a move of the portal."""
        return self.portal.addresses.server_url

    @property
    def member_id(self) -> str:
        """The portal's identity."""
        return self.config.member_id

    @property
    def webhook_url(self) -> str:
        """The webhook credential, with its secret."""
        return f"{self.url}/rest/{self.config.user_id}/{self.config.secret}/"

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far, oldest first."""
        return self._journal.records()

    @property
    def stats(self) -> Stats:
        """Sums over the requests so far."""
        return self._journal.stats(self._operating.totals, self._bucket.highest)

    def reset_stats(self) -> None:
        """Forget the requests so far; limiters keep their state."""
        self._journal.reset()


def serve(config: SandboxConfig) -> None:
    """Generate a portal and serve it in the foreground; prints nothing."""
    Sandbox(config).run()

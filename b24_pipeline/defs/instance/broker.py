"""The broker that hands runs to workers: whether it can be used, and what Celery is told of it.

The broker only hands out. Which runs live, which portals they work on and what is done is in the database, so a broker
that forgets, or hands a run out twice, loses nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from b24_pipeline.errors import BrokerUnreachable, SettingsError

CONNECT_SECONDS = 5


def require_packages() -> None:
    """Raises SettingsError where the extra `celery` is not installed."""
    missing = [name for name in ("celery", "dagster_celery", "redis") if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"B24_BROKER_URL is set, and these packages are not installed: {', '.join(missing)}; "
            "install b24-pipeline[celery], or unset B24_BROKER_URL"
        )


def require_broker(url: str) -> None:
    """Raises BrokerUnreachable unless the broker lets us in."""
    from kombu import Connection

    options = celery_config(url)["broker_transport_options"]
    try:
        with Connection(url, connect_timeout=CONNECT_SECONDS, transport_options=options) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
            # a connection to Redis is made with the first command
            connection.default_channel.close()
    except Exception as error:  # each transport has errors of its own
        raise BrokerUnreachable(broker_name(url), str(error)) from None


def broker_name(url: str) -> str:
    """The broker as it may be shown: without its user and password."""
    found = urlsplit(url)
    return f"{found.scheme}://{found.hostname or ''}{f':{found.port}' if found.port else ''}"


def celery_config(url: str) -> dict[str, Any]:
    """What the launcher and the workers agree on.

    A run is acknowledged when it begins, not when it ends: it may take longer than brokers wait for that, and they
    would hand out a second time what is still running. That a run was killed is seen by its lock in the database.
    """
    is_redis = url.startswith("redis")
    reaching = {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}
    redis_only = {"socket_connect_timeout": CONNECT_SECONDS, "socket_keepalive": True} if is_redis else {}
    return {
        "broker_transport_options": reaching | redis_only,
        "broker_connection_retry_on_startup": True,
        "broker_connection_timeout": CONNECT_SECONDS,
        "task_acks_late": False,
        "task_ignore_result": True,
        # a worker that is busy takes no run that another could begin; other brokers let it take some ahead
        "worker_disable_prefetch": is_redis,
        "worker_prefetch_multiplier": 1,
        # each run begins in a fresh copy of a process that has loaded everything
        "worker_max_tasks_per_child": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
    }

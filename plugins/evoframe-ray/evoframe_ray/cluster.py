"""Cluster: in touch with one for as long as it is needed, without a word from Ray."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from evoframe.plugin import ConfigError

AUTO, LOCAL = "auto", "local"
"""Addresses that are none: of a cluster that runs, and of one that is to be begun."""

SECONDS = 10.0
"""How long a head node is given to take a connection. Ray would try for two minutes, and exit."""


def needed() -> Any:
    """Return Ray; it is imported late, because only who names it needs it.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    # Only what is read when Ray is imported; whoever wants it otherwise has set it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        return import_module("ray")
    except ImportError as error:
        raise ConfigError(
            f"the executor 'ray' needs the package ray, which is not there ({error}). "
            "Try `pip install evoframe-ray[ray]`."
        ) from error


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be in touch with a cluster in a block; who is in touch already stays so.

    Raises:
        ConfigError: there is no such cluster.
    """
    ray = needed()
    if ray.is_initialized():
        yield
        return
    with _own_signals():
        _connect(ray, address)
    try:
        yield
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    _require_listener(address)
    try:
        ray.init(
            **{"include_dashboard": False} if address == LOCAL else {},
            address=address,
            log_to_driver=False,
            configure_logging=False,
        )
    except (OSError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise ConfigError(
            f"the executor 'ray' has no cluster at {address!r}: {said}. Begin one with "
            "`ray start --head`, give executor.address = 'host:port', or 'local' for this machine."
        ) from error
    _hush(ray)


def _require_listener(address: str) -> None:
    """Refuse an address at which nobody listens.

    Raises:
        ConfigError: nobody does, or it is none.
    """
    address = os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address
    if address in (AUTO, LOCAL):
        return
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdigit()) or "/" in host:
        raise ConfigError(
            f"executor.address = {address!r}; wanted 'host:port' of a cluster's head node, 'auto' "
            "or 'local'. Whoever carries a run sits on a node of the cluster itself: Ray's client "
            "(ray://) and its dashboard (http://) are other doors."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"the executor 'ray' finds no cluster at {address!r}: {error}. Wanted host:port of a "
            "head node, as `ray start --head` prints it."
        ) from error


def _hush(ray: Any) -> None:
    """Keep Ray from printing what raylets say; who was lost is told in our own words."""
    worker = ray._private.worker  # noqa: SLF001  nothing else keeps it quiet
    if hasattr(worker, "_worker_logs_enabled"):
        worker._worker_logs_enabled = False  # noqa: SLF001


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what SIGTERM does in a block; Ray makes it an exit without a word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""A real browser, headless: Chromium, spoken to by its DevTools protocol over a pipe.

The pipe needs no library and no port: messages are JSON with a zero byte behind each.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60.0
"""How long an answer may take on a machine that is busy."""


def path_of_browser() -> str | None:
    """Where a browser is; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One tab; what it logs, requests and lets go wrong is kept."""

    def __init__(self, send: Any, receive: Any) -> None:
        self._send, self._receive = send, receive
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": arguments}
        self._send({**message, "sessionId": self._session} if self._session else message)
        while True:
            found = self._receive()
            if found.get("id") == self._number:
                assert "error" not in found, f"{method}: {found['error']}"
                return found["result"]
            self.events.append(found)

    def open(self, file: Path, *, width: int, dark: bool = False, media: str = "") -> None:
        """Show a file at a width, in a light or dark colour scheme, and wait until it is there."""
        self.events.clear()
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=file.absolute().as_uri())
        end = time.monotonic() + SECONDS
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            assert time.monotonic() < end, "the page did not load"
            self.evaluate("1")

    def evaluate(self, code: str) -> Any:
        """Return the value of JavaScript that looks at the page."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def complaints(self) -> list[str]:
        """All that the browser logged, threw or would not do since the page was opened."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(one) for one in self.events if one.get("method") in kinds]

    def requests(self) -> list[str]:
        """The addresses that were asked for, without what stands in the page itself."""
        asked = [
            one["params"]["request"]["url"]
            for one in self.events
            if one.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith("data:")]

    def picture(self, file: Path) -> None:
        """Write a picture of the whole page."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))

    def printed(self, file: Path) -> None:
        """Write what a printer would get, as PDF."""
        found = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=False)
        file.write_bytes(base64.b64decode(found["data"]))

    def spoken(self) -> list[tuple[str, str]]:
        """What a screen reader is told: roles with their names, in order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (one["role"]["value"], one.get("name", {}).get("value", ""))
            for one in nodes
            if not one.get("ignored") and "role" in one
        ]


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start a browser with a profile of its own in a folder, and end it."""
    path = path_of_browser()
    assert path is not None, "there is no Chromium; on Debian: apt-get install chromium"
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    command = [
        path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-extensions", "--remote-debugging-pipe",
        f"--user-data-dir={folder / 'profile'}",
    ]  # fmt: skip
    # Chromium reads commands from descriptor 3 and answers on 4. They are moved out of the way
    # first: one of ours may be 3 or 4 itself.
    shell = f'exec 13<&{theirs_in} 14>&{theirs_out}; exec 3<&13 4>&14; exec "$@"'
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", shell, "browser", *command],
            pass_fds=(theirs_in, theirs_out),
            stdout=log,
            stderr=log,
        )
    os.close(theirs_in)
    os.close(theirs_out)
    rest = bytearray()

    def send(message: dict[str, Any]) -> None:
        os.write(ours_out, json.dumps(message).encode() + b"\0")

    def receive() -> dict[str, Any]:
        while b"\0" not in rest:
            ready, _, _ = select.select([ours_in], [], [], SECONDS)
            assert ready, "the browser does not answer"
            chunk = os.read(ours_in, 1 << 20)
            assert chunk, f"the browser is gone; it said: {(folder / 'chromium.log').read_text()}"
            rest.extend(chunk)
        line, _, left = bytes(rest).partition(b"\0")
        rest[:] = left
        return json.loads(line)

    try:
        yield Page(send, receive)
    finally:
        os.close(ours_out)
        os.close(ours_in)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""A real Chromium, driven over the DevTools protocol: it opens pages, moves the mouse, types and takes pictures."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tasks.engine.child import stop, wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-port=0",
    # No name resolves: a request to a network fails and shows up. Only servers of this machine answer.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
SHIFT = 8


class Page:
    """One tab. It keeps the errors on its console, its network requests and the texts of its dialogs."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        self._session: str | None = None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self._events: set[str] = set()

    def attach(self) -> None:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and return the browser's answer; events that arrive meanwhile are kept."""
        self._last += 1
        message: dict[str, object] = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._last:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _note(self, method: str, params: dict[str, Any]) -> None:
        self._events.add(method)
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.errors.append(json.dumps(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])

    def look(
        self, *, width: int = 1400, height: int = 900, scheme: str = "light", phone: bool = False
    ) -> None:
        """Set the size of the window and the preferred colour scheme."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path: Path) -> None:
        """Open a page and return when the map is painted."""
        self.ask("Page.navigate", url=path.as_uri())
        self.wait_for("performance.getEntriesByName('painted').length > 0")

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression in the page and await a promise; an exception in the page fails the test."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until the expression holds; fail after twenty seconds."""
        poll = (
            "new Promise((done) => { const end = performance.now() + 20000;"
            f" const look = () => {{ let is = false; try {{ is = Boolean({expression}); }} catch {{}}"
            " is || performance.now() > end ? done(is) : setTimeout(look, 10); }; look(); })"
        )
        assert self.evaluate(poll), f"never came true: {expression}"

    def text(self, selector: str) -> str:
        found = self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")
        return str(found).replace("\u202f", " ")

    def settle(self) -> None:
        """Wait until the current frame is painted."""
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        )

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
        self.settle()

    def hover(self, x: float, y: float) -> None:
        self.mouse("mouseMoved", x, y)

    def click(self, x: float, y: float) -> None:
        self.hover(x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, modifiers: int = 0) -> None:
        self.mouse("mousePressed", *start, button="left", clickCount=1, modifiers=modifiers)
        self.mouse("mouseMoved", *end, button="left", buttons=1, modifiers=modifiers)
        self.mouse("mouseReleased", *end, button="left", clickCount=1, modifiers=modifiers)

    def press(self, key: str, *, modifiers: int = 0) -> None:
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        code = _KEYS.get(key, ord(key[0]))
        self.ask(
            "Input.dispatchKeyEvent",
            type="keyDown", key=key, modifiers=modifiers, windowsVirtualKeyCode=code, **text,
        )  # fmt: skip
        self.ask(
            "Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers, windowsVirtualKeyCode=code
        )
        self.settle()

    def set(self, selector: str, value: str) -> None:
        """Set the value of a control as if a person had changed it."""
        self.evaluate(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)}); it.value = {json.dumps(value)};"
            " for (const name of ['input', 'change']) it.dispatchEvent(new Event(name, { bubbles: true })); })()"
        )
        self.settle()

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Callable[[], Page]]:
    """Start a Chromium with its own profile, which ends with the block; each call opens a new tab."""
    with subprocess.Popen(
        [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        port = profile / "DevToolsActivePort"
        sockets: list[ClientConnection] = []

        def new_tab() -> Page:
            number, place = port.read_text(encoding="utf-8").split()
            socket = connect(f"ws://127.0.0.1:{number}{place}", max_size=None, proxy=None)
            sockets.append(socket)
            page = Page(socket)
            page.attach()
            return page

        try:
            written = lambda: port.exists() and len(port.read_text(encoding="utf-8").split()) == 2  # noqa: E731
            assert wait_until(written, child, within_s=60), "the browser did not start"
            yield new_tab
        finally:
            for socket in sockets:
                socket.close()
            stop(child, within_s=10)

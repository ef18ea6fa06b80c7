"""A headless Chromium driven by its own protocol, so that keys are keys; nothing else is needed."""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
_SECONDS = 60.0
_FLAGS = (
    "--headless",
    "--no-sandbox",  # it may be root here, and opens nothing but our own page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "about:blank",
)
_KEYS = {"Tab": 9, "Enter": 13, " ": 32, "ArrowDown": 40}


class Tab:
    """One page, and whatever it complained of or asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.complaints: list[str] = []
        self.requests: list[str] = []

    async def listen(self) -> None:
        """Takes what the browser says until it hangs up."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
                continue
            about, content = told.get("method"), told.get("params", {})
            if about == "Page.loadEventFired":
                self._loaded.set()
            elif about == "Network.requestWillBeSent":
                self.requests.append(content["request"]["url"])
            elif about in {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}:
                self.complaints.append(str(content))

    async def ask(self, method: str, **content: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": content})
        told = await asyncio.wait_for(answer, _SECONDS)
        assert "error" not in told, told
        return told["result"]

    async def open(self, url: str) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.navigate", url=url)
        here = ""
        while here != url:  # an event may still be that of the empty page before
            await asyncio.wait_for(self._loaded.wait(), _SECONDS)
            self._loaded.clear()
            here = await self.look("location.href")

    async def look(self, expression: str) -> Any:
        """What a JavaScript expression comes to in the page."""
        told = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def press(self, key: str) -> None:
        code = {"key": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key)
        await self.ask(
            "Input.dispatchKeyEvent", type="keyDown", **code, **({"text": text} if text else {})
        )
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **code)

    async def write(self, text: str) -> None:
        await self.ask("Input.insertText", text=text)

    async def tab_to(self, condition: str) -> None:
        """Presses Tab until `condition` holds of `at`, the element that has the focus."""
        for _ in range(80):
            await self.press("Tab")
            if await self.look(f"((at) => Boolean({condition}))(document.activeElement)"):
                return
        raise AssertionError(f"no key leads to where {condition}")


@contextlib.asynccontextmanager
async def browsing(url: str, profile: Path) -> AsyncIterator[Tab]:
    """The page in a browser of its own, which is gone afterwards."""
    assert PROGRAM
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        f"--user-data-dir={profile}",
        *_FLAGS,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS), aiohttp.ClientSession() as session:
            while not (profile / "DevToolsActivePort").is_file():
                assert process.returncode is None, "Chromium ended at once"
                await asyncio.sleep(0.05)
            port = (profile / "DevToolsActivePort").read_text().split()[0]
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (target,) = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                await tab.open(url)
                yield tab
                await tab.ask("Browser.close")
                await listening
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

"""One port for people and probes: /metrics, /livez, /readyz.

It answers from a thread of its own, so that a busy or stuck event loop shows instead of hiding.
"""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

Check = Callable[[], str | None]
"""None when all is well, otherwise one line that says what is not."""

_SILENCE_SECONDS = 10
"""How long a client may be connected and say nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a connection: a client that says nothing holds up neither probes nor shutdown."""

    daemon_threads = True
    block_on_close = False


class _QuietHandler(WSGIRequestHandler):
    timeout = _SILENCE_SECONDS

    def log_message(self, *_args: Any) -> None:
        """No access log: scrapes and probes are not news."""


class HealthServer:
    """Serves until closed. Loopback by default: whoever wants it elsewhere says so."""

    def __init__(self, host: str, port: int, live: Check, ready: Check) -> None:
        metrics = make_wsgi_app()
        probes = {"/livez": live, "/readyz": ready}

        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            path = environ["PATH_INFO"]
            if path == "/metrics":
                return metrics(environ, start_response)  # type: ignore[no-any-return]
            check = probes.get(path)
            if check is None:
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"see /metrics, /livez, /readyz\n"]
            fault = check()
            status = "200 OK" if fault is None else "503 Service Unavailable"
            start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{fault or 'ok'}\n".encode()]

        self._server = make_server(
            host, port, application, server_class=_Server, handler_class=_QuietHandler
        )
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

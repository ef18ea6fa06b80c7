"""Workers that say what a test wants, over real HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUILD = 'cg_trans_03_build_info{version="1"} 1.0\n'


class FakeWorker(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, text: str = "") -> None:
        self.metrics = BUILD + text
        self.live: str | None = None
        self.ready: str | None = None
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FakeWorker

    def do_GET(self) -> None:
        fault = {"/livez": self.server.live, "/readyz": self.server.ready}.get(self.path)
        body = self.server.metrics if self.path == "/metrics" else f"{fault or 'ok'}\n"
        self.send_response(200 if fault is None else 503)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...

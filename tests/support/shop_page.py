"""A shop's own web server beside Batua: its pages, its scripts, and its customer's token.

It is another origin than the API, as most shops are, and its policy lets a page load nothing but
the shop's own files.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.ports import free_port

__all__ = ["ShopPage", "serving_shop"]

TYPES = {".js": "text/javascript", ".html": "text/html; charset=utf-8", ".css": "text/css"}


@dataclass
class ShopPage:
    """``pages`` are its HTML by path, ``folders`` its files; ``scripts`` are hosts of others'."""

    port: int
    api: str
    folders: Mapping[str, Path]
    pages: dict[str, str] = field(default_factory=dict)
    token: str = ""
    scripts: str = ""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def policy(self) -> str:
        scripts = f"; script-src 'self' {self.scripts}" if self.scripts else ""
        return f"default-src 'self'; connect-src 'self' {self.api}; img-src 'self' data:{scripts}"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and content of what is at a path."""
        if path == "/wallet-token":
            return 200, "text/plain", self.token.encode()
        if path in self.pages:
            return 200, TYPES[Path(path).suffix or ".html"], self.pages[path].encode()
        for prefix, folder in self.folders.items():
            file = (folder / path.removeprefix(prefix)).resolve()
            if path.startswith(prefix) and file.is_relative_to(folder) and file.is_file():
                return 200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes()
        return 404, "text/plain", b"nothing here"


@contextmanager
def serving_shop(api: str, folders: Mapping[str, Path], *, port: int = 0) -> Iterator[ShopPage]:
    """Serve a shop whose Batua is at ``api``."""
    shop = ShopPage(port or free_port(), api, folders)

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, kind, content = shop.answer(urlsplit(self.path).path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", shop.policy())
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """The test says what it saw."""

    server = ThreadingHTTPServer(("127.0.0.1", shop.port), Pages)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

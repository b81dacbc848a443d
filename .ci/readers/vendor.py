"""A made-up vendor for what the sandbox never shows: notes of which nothing tells a time."""

import contextlib
import http.server
import json
import threading

# Notes of one search: what tells when each was published is the answer, else the id, else nothing.
NOTES = [
    {"id": "timeless-1", "title": "nothing tells a time", "liked_count": 1},
    {"id": "timeless-2", "title": "nor here", "liked_count": 2, "images_list": [{"url": "https://example.com/1.jpg"}]},
    {"id": "timed-1", "title": "told", "liked_count": 3, "timestamp": 1767196800},  # 2026-01-01 in Beijing
    {"id": "67741f800000000000000001", "title": "by its id", "liked_count": 4},  # 2025-01-01 in Beijing
]
PAGE = {"code": 0, "data": {"items": [{"model_type": "note", "note": note} for note in NOTES]}}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(PAGE).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving():
    """Answers every call with the one page; yields the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()

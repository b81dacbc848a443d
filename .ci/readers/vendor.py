"""A made-up vendor for what the sandbox never shows: notes without a time, odd counts, notes that go silent."""

import contextlib
import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

# Notes of one search: what tells when each was published is the answer, else the id, else nothing.
NOTES = [
    {"id": "timeless-1", "title": "nothing tells a time", "liked_count": 1},
    {"id": "timeless-2", "title": "nor here", "liked_count": 2, "images_list": [{"url": "https://example.com/1.jpg"}]},
    {"id": "timed-1", "title": "told", "liked_count": 3, "timestamp": 1767196800},  # 2026-01-01 in Beijing
    {"id": "67741f800000000000000001", "title": "by its id", "liked_count": 4},  # 2025-01-01 in Beijing
]
PAGE = {"code": 0, "data": {"items": [{"model_type": "note", "note": note} for note in NOTES]}}


# Details, by note: what the first call gets, the second, and so on; the last one for good.
TAG = {"id": "t1", "name": "tent"}
ODD = {
    "id": "timeless-2",
    "title": "odd",
    "liked_count": 15_690,
    "collected_count": "1.2万",
    "comments_count": "some",
    "hash_tag": [TAG, {"id": "t2", "name": "tent"}, TAG],
    "ats": [{"userid": "u2", "nickname": "b"}, {"nickname": 7}],
    "user": {"userid": "u1", "nickname": "a", "fans": "10+"},
}
DETAILS = {
    # It is shown once, then nothing comes back.
    "51e0000000000000000000aa": [[{"note_list": [NOTES[0] | {"id": "51e0000000000000000000aa"}]}], []],
    "timeless-2": [
        [{"note_list": [ODD]}],
        [{"note_list": [ODD | {"liked_count": "1.5万", "collected_count": 12_345, "share_count": 57}]}],
        [{"note_list": [ODD | {"liked_count": "1.7万", "share_count": "10+"}]}],
    ],
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(self.answer()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self):
        note = parse_qs(urlsplit(self.path).query).get("noteId", [None])[0]
        if note is None:
            return PAGE
        shown = DETAILS.get(note, [[{"note_list": [found]} for found in NOTES if found["id"] == note]])
        seen = self.server.seen[note] = self.server.seen.get(note, -1) + 1
        return {"code": 0, "data": shown[min(seen, len(shown) - 1)]}

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving():
    """Answers details by note, and every other call with the one page; yields the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()

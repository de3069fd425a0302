"""Helper: a real HTTP server that speaks as much of the hub's API as a snapshot needs, and breaks off on demand."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """Serves ``files`` (path -> bytes) as `owner/name` at ``COMMIT``; safetensors are large files with a SHA-256.

    Attributes:
        breaks_at: Path of a file -> after so many bytes the connection is cut, once.
        other: Path of a file -> the bytes that are sent in its place.
        gated: Every answer is that the licence has to be accepted.
        broken: Every answer is a fault that trying again does not mend.
        asked: (method, path, Range header) of every request.
    """

    def __init__(self, files):
        self.files, self.breaks_at, self.other, self.gated, self.asked = dict(files), {}, {}, False, []
        self.broken = False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                hub.serve(self, body=False)

            def do_GET(self):
                hub.serve(self, body=True)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def entry(self, path):
        data = self.files[path]
        entry = {"type": "file", "path": path, "size": len(data), "oid": git_sha1(data)}
        if path.endswith((".safetensors", ".bin")):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return entry

    def reply(self, handler, status, data=b"", body=True, **headers):
        handler.send_response(status)
        handler.send_header("Content-Length", str(headers.pop("Content_Length", len(data))))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if body:
            handler.wfile.write(data)

    def serve(self, handler, body):
        path = urlsplit(handler.path).path
        self.asked.append((handler.command, path, handler.headers.get("Range")))
        if self.gated:
            return self.reply(handler, 403, b"{}", body, X_Error_Code="GatedRepo", X_Error_Message="accept the licence")
        if self.broken:
            return self.reply(handler, 400, b"{}", body)
        if path == f"/api/models/owner/name/tree/{COMMIT}":
            listed = json.dumps([self.entry(name) for name in self.files]).encode()
            return self.reply(handler, 200, listed, body, Content_Type="application/json")
        if path.startswith("/api/models/owner/name/tree/"):
            return self.reply(handler, 404, b"{}", body, X_Error_Code="RevisionNotFound")
        name = path.removeprefix(f"/owner/name/resolve/{COMMIT}/")
        if name not in self.files:
            return self.reply(handler, 404, b"{}", body, X_Error_Code="RepoNotFound")
        entry, data = self.entry(name), self.other.get(name, self.files[name])
        headers = {"ETag": f'"{entry.get("lfs", {"oid": entry["oid"]})["oid"]}"', "X_Repo_Commit": COMMIT}
        headers |= {"Accept_Ranges": "bytes", "Content_Type": "application/octet-stream"}
        start = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = self.breaks_at.pop(name, None) if body else None
        if cut is None:
            return self.reply(handler, 206 if start else 200, data[start:], body, **headers)
        self.reply(handler, 200, data[:cut], True, Content_Length=len(data), **headers)
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(2)

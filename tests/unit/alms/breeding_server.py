"""A server with the bad habits of large ones: children, one of them detached and deaf to SIGTERM; answers /health.

``python breeding_server.py PORT PIDS [dies]``; writes the numbers of all its processes to PIDS.
"""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def breed():
    """Start a child, and a grandchild in a session of its own whose parent ends at once."""
    worker = os.fork()
    if worker == 0:
        time.sleep(600)
        os._exit(0)
    link, ends = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        daemon = os.fork()
        if daemon == 0:
            time.sleep(600)
        os.write(ends, str(daemon).encode())
        os._exit(0)
    os.waitpid(middle, 0)
    return worker, int(os.read(link, 20))


if __name__ == "__main__":
    if "dies" in sys.argv:
        sys.exit("no model in this folder")
    pids = [os.getpid(), *breed()]
    Path(sys.argv[2]).write_text(" ".join(map(str, pids)))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

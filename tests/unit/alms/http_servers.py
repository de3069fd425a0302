"""Helpers: a real `transformers serve` on a checkpoint folder, and a proxy that breaks what passes through it."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3


def sampling_copy(checkpoint, folder):
    """Copy a checkpoint; the server samples only if the generation configuration says so."""
    shutil.copytree(checkpoint, folder)
    path = folder / "generation_config.json"
    config = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**config, "do_sample": True, "top_k": 0, "top_p": 1.0}))
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ModelServer:
    """`transformers serve` in a process of its own; stopped and started again at one port."""

    def __init__(self, folder, log):
        self.folder, self.log, self.port, self.process = str(folder), Path(log), free_port(), None
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        command = [str(Path(sys.executable).with_name("transformers")), "serve", self.folder, "--device", "cpu"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
            )
        pool = urllib3.PoolManager(retries=False)
        limit = time.monotonic() + 300  # seconds on an idle machine
        while time.monotonic() < limit:
            try:
                if pool.request("GET", f"http://127.0.0.1:{self.port}/health", timeout=2).status == 200:
                    return self
            except urllib3.exceptions.HTTPError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"transformers serve did not start: {self.log.read_text()[-2000:]}")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, the first ones broken as ``faults`` says, one name a request.

    ``passed`` is the number of completions the server made, ``seen`` the bodies that arrived.
    """

    daemon_threads = True

    def __init__(self, upstream, faults=(), retry_after=None, secret=None, most=None, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.upstream, self.faults, self.retry_after, self.secret = upstream, list(faults), retry_after, secret
        self.most = most
        self.lock, self.pool = threading.Lock(), urllib3.PoolManager(retries=False)
        self.seen, self.passed, self.last, self.keys, self.peers = [], 0, None, [], set()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """Say nothing: clients that give up are what is tested here."""


@contextmanager
def proxy(*args, **kwargs):
    server = Proxy(*args, **kwargs)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Scripted(ThreadingHTTPServer):
    """A server without a model: ``reply(body)`` returns the status and what it sends, ``seen`` are the bodies."""

    daemon_threads = True

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), _Scripted)
        self.answer, self.seen, self.lock = reply, [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class _Scripted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append(body)
            number = len(self.server.seen)
        status, value = self.server.answer(body)
        if isinstance(value, dict) and "choices" in value:
            value = {"id": f"c{number}", "object": "chat.completion", "model": body["model"], **value}
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def completion(content="happy", finish="stop", **message):
    """Return status and body of a whole completion with one choice."""
    return 200, {"choices": [{"index": 0, "message": {"content": content, **message}, "finish_reason": finish}]}


@contextmanager
def scripted(reply):
    server = Scripted(reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.seen.append(json.loads(body))
            self.server.peers.add(self.client_address)
            self.server.keys.append(self.headers.get("Authorization"))
            fault = self.server.faults.pop(0) if self.server.faults else "none"
        getattr(self, f"fault_{fault}")(body)

    def completion(self, body):
        reply = self.server.pool.request(
            "POST",
            f"{self.server.upstream}/chat/completions",
            body=body,
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
        with self.server.lock:
            self.server.passed += 1
            before, self.server.last = self.server.last, reply.data
        return reply.status, reply.data, before

    def reply(self, status, data, headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def fault_none(self, body):
        """Pass on; with ``most`` set, honour ``n`` up to it by as many requests, each with a seed of its own."""
        asked = json.loads(body)
        count = min(asked.pop("n", 1), self.server.most or 1)
        replies = []
        for shift in range(count):
            each = json.dumps({**asked, "seed": asked["seed"] + shift}).encode() if self.server.most else body
            status, data, _ = self.completion(each)
            replies.append((status, data))
        if count > 1:
            parsed = [json.loads(data) for _, data in replies]
            choices = [{**reply["choices"][0], "index": k} for k, reply in enumerate(parsed)]
            tokens = sum(reply["usage"]["completion_tokens"] for reply in parsed)
            data = json.dumps({**parsed[0], "choices": choices, "usage": {"completion_tokens": tokens}}).encode()
        self.reply(status, data)

    def fault_429(self, body):
        wait = [("Retry-After", self.server.retry_after)] if self.server.retry_after is not None else []
        self.reply(429, b'{"error": {"message": "slow down"}}', wait)

    def fault_quota(self, body):
        self.reply(429, b'{"error": {"code": "insufficient_quota"}}')

    def fault_500(self, body):
        self.reply(500, b"Internal Server Error")

    def fault_503(self, body):
        self.reply(503, b"loading")

    def fault_400(self, body):
        self.reply(400, json.dumps({"error": f"bad request by {self.headers.get('Authorization')}"}).encode())

    def fault_401(self, body):
        self.reply(401, json.dumps({"error": f"Incorrect API key provided: {self.server.secret}"}).encode())

    def fault_redirect(self, body):
        self.reply(307, b"", [("Location", "http://127.0.0.1:9/v1/chat/completions")])

    def fault_garbage(self, body):
        self.reply(200, b"<html>It works! \xff\xfe</html>")

    def fault_wrong(self, body):
        self.reply(200, b'{"choices": [{"index": 0, "message": {"role": "assistant"}, "finish_reason": "stop"}]}')

    def fault_null(self, body):
        self.reply(200, b'{"id": "c-null", "object": "chat.completion", "choices": null}')

    def fault_error_200(self, body):
        self.reply(200, b'{"error": {"message": "upstream failed"}}')

    def fault_truncated(self, body):
        status, data, _ = self.completion(body)
        self.reply(status, data[: len(data) // 2], length=len(data))
        self.close_connection = True

    def fault_truncated_chunks(self, body):
        _, data, _ = self.completion(body)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data) // 2, data[: len(data) // 2]))
        self.close_connection = True

    def fault_valid_but_cut(self, body):
        """Half of a reply with a length that fits: only its JSON shows it."""
        status, data, _ = self.completion(body)
        self.reply(status, data[: len(data) // 2])

    def fault_slow(self, body):
        """Send the whole answer, but after the client's time-out."""
        status, data, _ = self.completion(body)
        time.sleep(3)
        self.reply(status, data)

    def fault_drip(self, body):
        """Send a byte at a time, each within a time-out of its own."""
        status, data, _ = self.completion(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)

    def fault_reset(self, body):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def fault_reset_after(self, body):
        """Lose the server's answer on the way."""
        self.completion(body)
        self.fault_reset(body)

    def fault_duplicate(self, body):
        """Send the reply twice on the connection: what a second request would read."""
        status, data, _ = self.completion(body)
        self.reply(status, data)
        self.reply(status, data)

    def fault_stale(self, body):
        """Send the reply to the request before this one."""
        _, data, before = self.completion(body)
        self.reply(200, before or data)

    def fault_two(self, body):
        """One choice was asked for, two come."""
        status, data, _ = self.completion(body)
        reply = json.loads(data)
        reply["choices"].append({**reply["choices"][0], "index": 1})
        self.reply(status, json.dumps(reply).encode())

"""One attempt at one request: a POST of JSON, with a limit on the time until the last byte."""

import json
import ssl
import time
from typing import Any

import urllib3

from scaling_ambiguity.alms.http.faults import Fault
from scaling_ambiguity.alms.http.keys import Key
from scaling_ambiguity.alms.http.retries import RETRIED, retry_after

CONNECT_S = 10.0
LARGEST_REPLY = 16 * 2**20
_QUOTED = 300
_OVERLOADED = (503, 529)
_OF_THE_SERVER = (401, 402, 403, 404, 405, 407, 410, 429)  # key, account, address, model: no request would be answered
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")


class Client:
    """Sends to ``base_url``/chat/completions, and to paths outside ``/v1``; safe to use from several threads.

    Each attempt has its own connection: surplus or late bytes from a server cannot become the answer to another
    question. Redirects are not followed, so that neither key nor audio goes anywhere but to the named server;
    environment proxies are not used.
    """

    def __init__(self, base_url: str, key: Key, timeout_s: float) -> None:
        self._url = f"{base_url}/chat/completions"
        self._root = base_url.removesuffix("/v1")
        self._key = key
        self._timeout_s = timeout_s
        self._certificates = ssl.create_default_context() if base_url.startswith("https:") else None

    def post(self, body: dict[str, Any], path: str = "") -> Any:
        """Return the decoded JSON of a reply with a status from 200 to 299, from which the key has been removed.

        Args:
            body: What is sent, as JSON.
            path: Of the server, without ``/v1``; "" is that of chat completions.

        Raises:
            Fault: Anything else; its text does not hold the key.
        """
        deadline = time.monotonic() + self._timeout_s
        try:
            url = f"{self._root}{path}" if path else self._url
            status, headers, data = self._exchange(url, json.dumps(body).encode(), deadline)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise Fault("no connection", self._words(error), retry=True, bought=False, item=False) from None
        except (urllib3.exceptions.TimeoutError, TimeoutError):
            raise Fault("time-out", f"no whole reply in {self._timeout_s:g} s", retry=True, bought=True) from None
        except urllib3.exceptions.SSLError as error:
            raise Fault("certificate", self._words(error), retry=False, bought=False, item=False) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Fault("broken connection", self._words(error), retry=True, bought=True) from None
        text = self._key.redact(data.decode("utf-8", errors="replace"))
        if not 200 <= status < 300:
            raise _status_fault(status, headers, text)
        try:
            # escapes may spell the key too
            return _redacted(json.loads(data.decode("utf-8")), self._key)
        except (ValueError, RecursionError):
            raise Fault("garbage", f"not JSON: {text[:60]!r}", retry=True, bought=True) from None

    def _exchange(self, url: str, body: bytes, deadline: float) -> tuple[int, Any, bytes]:
        headers = {"Content-Type": "application/json", "Connection": "close", **self._key.header()}
        timeout = urllib3.Timeout(connect=min(CONNECT_S, self._timeout_s), read=self._timeout_s)
        # A pool for each attempt, closed with it: servers need not announce that they close a connection, and a pool
        # would then send the next request on a connection that is closing, or that still holds surplus bytes.
        with urllib3.PoolManager(num_pools=1, retries=False, ssl_context=self._certificates) as pool:
            response = pool.request(
                "POST", url, body=body, headers=headers, timeout=timeout, redirect=False, preload_content=False
            )
            try:
                return response.status, response.headers, _read(response, deadline)
            finally:
                response.close()

    def _words(self, error: Exception) -> str:
        return self._key.redact(f"{type(error).__name__}: {error}")[:_QUOTED]


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Return the body; a slow reply is cut off at the deadline."""
    data = bytearray()
    while chunk := response.read1(65536):
        data += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(data) > LARGEST_REPLY:
            raise Fault("garbage", f"more than {LARGEST_REPLY} bytes", retry=True, bought=True)
    return bytes(data)


def _status_fault(status: int, headers: Any, text: str) -> Fault:
    """Return the fault of a status other than 2xx; behind a gateway's 5xx the model may have answered, at a cost."""
    detail = " ".join(text.split())[:_QUOTED] or "no reason given"
    if 300 <= status < 400:
        detail = "a redirect, which is not followed; correct `base_url`"
    retry = status in RETRIED and not any(word in text for word in _NO_QUOTA)
    return Fault(
        f"status {status}",
        detail,
        retry,
        status >= 500 and status not in _OVERLOADED,
        retry_after(headers.get("Retry-After")),
        status in (429, *_OVERLOADED),
        item=status == 500 or (400 <= status < 500 and status not in _OF_THE_SERVER),
    )


def _redacted(value: Any, key: Key) -> Any:
    if isinstance(value, str):
        return key.redact(value)
    if isinstance(value, list):
        return [_redacted(item, key) for item in value]
    if isinstance(value, dict):
        return {key.redact(name): _redacted(item, key) for name, item in value.items()}
    return value

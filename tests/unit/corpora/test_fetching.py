"""Files over HTTP from a real server on the loopback that tears, lies and refuses; and the list that is shipped."""

import hashlib
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from scaling_ambiguity.corpora.fetching import Manners, Refused, ensure, fetch_all
from scaling_ambiguity.corpora.pinned_files import read_pins
from scaling_ambiguity.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[3]
PINS = REPOSITORY / "workflow" / "resources" / "cremad.tsv.gz"
SCRIPT = REPOSITORY / "workflow" / "scripts" / "fetch_cremad.py"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 72862\n".encode()
PAGE = b"\n<!DOCTYPE html><html><title>Log in</title></html>"
DATA = bytes(range(256)) * 1200  # 300 kB, several chunks
QUICK = Manners(attempts=3, patience=0.001, timeout=5)


class Server:
    """Files by path, and a list of mishaps by path, used up one a request."""

    def __init__(self):
        self.files, self.mishaps, self.requests = {}, {}, []
        self.under_way = self.most_under_way = 0
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handler(server):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with server.lock:
                    server.requests.append((self.path, self.headers.get("Range")))
                    server.under_way += 1
                    server.most_under_way = max(server.most_under_way, server.under_way)
                    mishaps = server.mishaps.get(self.path, [])
                    mishap = mishaps.pop(0) if mishaps else None
                try:
                    self.answer(mishap)
                finally:
                    with server.lock:
                        server.under_way -= 1

            def answer(self, mishap):
                data = server.files.get(self.path)
                if data is None or isinstance(mishap, int):
                    self.send_error(mishap if data is not None else 404)
                    return
                start = int(self.headers["Range"][6:-1]) if self.headers.get("Range") and mishap != "no range" else 0
                if start >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                if start:
                    begin = 0 if mishap == "other range" else start
                    self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                body = data[start:]
                if mishap == "torn":
                    body = body[: len(body) // 2]
                elif mishap == "torn at once":
                    body = b""
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def get(server, target, data=DATA, **changes):
    arguments = {"sha256": sha256(data), "size": len(data), "manners": QUICK} | changes
    return ensure(f"{server.url}/a.wav", target, **arguments)


def only(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_and_verified(server, tmp_path):
    server.files["/a.wav"] = DATA
    target = tmp_path / "sub" / "a.wav"
    assert get(server, target)
    assert target.read_bytes() == DATA
    assert only(target.parent) == ["a.wav"]
    assert not get(server, target)
    assert len(server.requests) == 1


def test_a_torn_connection_is_resumed_where_it_broke(server, tmp_path):
    server.files["/a.wav"] = DATA
    server.mishaps["/a.wav"] = ["torn", "torn", "torn at once", "torn", "torn at once"]
    assert get(server, tmp_path / "a.wav")  # more tears than attempts, but each but two brought something
    assert (tmp_path / "a.wav").read_bytes() == DATA
    half = len(DATA) // 2
    assert server.requests[:3] == [
        ("/a.wav", None),
        ("/a.wav", f"bytes={half}-"),
        ("/a.wav", f"bytes={half + half // 2}-"),
    ]


def test_an_earlier_run_is_continued(server, tmp_path):
    server.files["/a.wav"] = DATA
    (tmp_path / ".a.wav.part").write_bytes(DATA[:1000])
    assert get(server, tmp_path / "a.wav")
    assert server.requests == [("/a.wav", "bytes=1000-")]
    assert only(tmp_path) == ["a.wav"]


def test_a_whole_part_needs_no_request(server, tmp_path):
    (tmp_path / ".a.wav.part").write_bytes(DATA)
    assert get(server, tmp_path / "a.wav")
    assert server.requests == []


@pytest.mark.parametrize("mishap", ["no range", "other range", 416])
def test_a_server_that_cannot_resume_is_asked_for_the_whole(server, tmp_path, mishap):
    server.files["/a.wav"] = DATA
    server.mishaps["/a.wav"] = [mishap]
    (tmp_path / ".a.wav.part").write_bytes(DATA[:1000])
    assert get(server, tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == DATA


@pytest.mark.parametrize("rest", [b"x" * 1000, b"x" * (len(DATA) + 5), b"x" * len(DATA)])
def test_a_part_of_something_else_is_thrown_away(server, tmp_path, rest):
    server.files["/a.wav"] = DATA
    (tmp_path / ".a.wav.part").write_bytes(rest)
    assert get(server, tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == DATA


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again_but_not_for_ever(server, tmp_path, code):
    server.files["/a.wav"] = DATA
    server.mishaps["/a.wav"] = [code, code]
    assert get(server, tmp_path / "a.wav")
    (tmp_path / "a.wav").unlink()
    server.mishaps["/a.wav"] = [code] * 9
    with pytest.raises(UserError, match=rf"answers {code} .*\(3 times\)"):
        get(server, tmp_path / "a.wav")
    assert len(server.requests) == 6


def test_a_missing_file_is_not_asked_for_again(server, tmp_path):
    with pytest.raises(UserError, match=r"a\.wav: the server answers 404"):
        get(server, tmp_path / "a.wav")
    assert len(server.requests) == 1
    assert only(tmp_path) == []


def test_nobody_there_is_said(server, tmp_path):
    with pytest.raises(UserError, match="no answer"):
        ensure("http://127.0.0.1:9/x", tmp_path / "x", sha256="0" * 64, size=1, manners=QUICK)


@pytest.mark.parametrize(("data", "words"), [(POINTER, "a Git-LFS pointer"), (PAGE, "a web page")])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_pointer_or_a_page_is_refused_and_leaves_nothing(server, tmp_path, data, words, resumed):
    server.files["/a.wav"] = data
    if resumed:
        (tmp_path / ".a.wav.part").write_bytes(data[:5])
    with pytest.raises(Refused, match=f"sends {words} instead of the file") as error:
        get(server, tmp_path / "a.wav", size=len(data), sha256="0" * 64)
    assert f"{server.url}/a.wav" in str(error.value)
    assert only(tmp_path) == []


@pytest.mark.parametrize(
    ("sent", "words"), [(b"x" * len(DATA), "another SHA-256"), (DATA + b"x", "longer than"), (DATA[:-1], "ended after")]
)
def test_another_file_is_never_taken(server, tmp_path, sent, words):
    server.files["/a.wav"] = sent
    with pytest.raises(UserError, match=words):
        get(server, tmp_path / "a.wav")
    assert not (tmp_path / "a.wav").exists()


def test_what_is_in_the_place_is_kept_unless_it_is_a_pointer(server, tmp_path):
    server.files["/a.wav"] = DATA
    (tmp_path / "a.wav").write_bytes(POINTER)
    get(server, tmp_path / "a.wav")
    assert only(tmp_path) == ["a.wav"]
    (tmp_path / "a.wav").write_bytes(b"mine")
    get(server, tmp_path / "a.wav")
    assert (tmp_path / "a.wav.other").read_bytes() == b"mine"
    assert (tmp_path / "a.wav").read_bytes() == DATA


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    server.files["/a.wav"] = DATA
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        get(server, tmp_path / "file" / "a.wav")


# --- many files ---------------------------------------------------------------------------------


@pytest.fixture
def pins(server):
    rows = []
    for i in range(40):
        path, data = f"AudioWAV/c {i}.wav", b"RIFF" + bytes([i]) * 500
        server.files[f"/AudioWAV/c%20{i}.wav"] = data
        rows.append((path, "http://127.0.0.1:9/nowhere", sha256(data), len(data), "CC0-1.0"))
    return pd.DataFrame(rows, columns=["path", "url", "sha256", "bytes", "licence"])


def fetch(server, pins, root, **changes):
    return fetch_all(pins, root, base_url=server.url + "/", manners=QUICK, **changes)


def test_all_are_fetched_from_a_mirror_a_few_at_a_time(server, pins, tmp_path):
    for path in list(server.files)[::3]:
        server.mishaps[path] = ["torn", 503]
    assert fetch(server, pins, tmp_path, workers=3) == {"files": 40, "fetched": 40, "bytes": 40 * 504}
    assert server.most_under_way <= 3
    assert [sha256((tmp_path / path).read_bytes()) for path in pins["path"]] == pins["sha256"].tolist()
    asked = len(server.requests)
    assert fetch(server, pins, tmp_path)["fetched"] == 0
    assert len(server.requests) == asked


def test_one_file_that_cannot_be_had_stops_none_of_the_others(server, pins, tmp_path):
    del server.files["/AudioWAV/c%207.wav"]
    with pytest.raises(UserError, match=r"at least 1 of 40 files.*c%207\.wav.*404.*run again"):
        fetch(server, pins, tmp_path)
    assert len(list((tmp_path / "AudioWAV").glob("*.wav"))) == 39


@pytest.mark.parametrize("body", [POINTER, PAGE])
def test_a_server_of_pointers_or_pages_is_left_at_once(server, pins, tmp_path, body):
    server.files = dict.fromkeys(server.files, body)
    with pytest.raises(UserError, match="instead of the file"):
        fetch(server, pins, tmp_path, workers=2)
    assert len(server.requests) < 10


def test_impolite_or_unsafe_wishes_are_refused(server, pins, tmp_path):
    with pytest.raises(UserError, match="polite"):
        fetch(server, pins, tmp_path, workers=64)
    with pytest.raises(UserError, match="neither http"):
        fetch_all(pins, tmp_path, base_url="file:///etc")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/AudioWAV").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="leads out"):
        fetch(server, pins, tmp_path / "root")


# --- the program and its list --------------------------------------------------------------------


def write_pins(pins, path):
    pins.to_csv(path, sep="\t", index=False)
    return path


def program(*arguments):
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=60)


def test_the_program_fetches_shows_progress_and_leaves_a_receipt(server, pins, tmp_path):
    arguments = ["--root", tmp_path / "corpus", "--pins", write_pins(pins, tmp_path / "pins.tsv")]
    arguments += ["--base-url", server.url, "--receipt", tmp_path / "receipt.json"]
    result = program(*arguments)
    assert result.returncode == 0, result.stderr
    assert "40/40" in result.stderr
    assert "CC0-1.0" in result.stdout
    assert json.loads((tmp_path / "receipt.json").read_text()) == {"part": "all", "files": 40, "bytes": 40 * 504}
    server.files = dict.fromkeys(server.files, PAGE)
    (tmp_path / "receipt.json").unlink()
    (tmp_path / "corpus/AudioWAV/c 3.wav").unlink()
    result = program(*arguments)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "a web page" in result.stderr
    assert not (tmp_path / "receipt.json").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "../x"}, "line 2"),
        ({"path": "/x"}, "line 2"),
        ({"path": "AudioWAV/c 1.wav"}, "line 3"),
        ({"sha256": "XY"}, "line 2"),
        ({"bytes": "-1"}, "line 2"),
        ({"url": "ftp://x/y"}, "line 2"),
    ],
)
def test_a_faulty_list_is_refused(pins, tmp_path, change, words):
    for column, value in change.items():
        pins[column] = [value, *pins[column].astype("str")[1:]]
    with pytest.raises(UserError, match=words):
        read_pins(write_pins(pins, tmp_path / "pins.tsv"))


def test_a_list_that_is_none_is_refused(tmp_path):
    (tmp_path / "pins.tsv").write_text("path\turl\na\tb\n")
    with pytest.raises(UserError, match="no column 'sha256'"):
        read_pins(tmp_path / "pins.tsv")
    (tmp_path / "pins.gz").write_bytes(PINS.read_bytes()[:1000])
    with pytest.raises(UserError, match="not readable"):
        read_pins(tmp_path / "pins.gz")


def test_the_shipped_list_is_whole_and_names_the_identical_pairs():
    pins = read_pins(PINS)
    sound = pins[pins["path"].str.startswith("AudioWAV/")]
    assert len(pins) == 7_445
    assert len(sound) == 7_442
    assert round(sound["bytes"].sum() / 1e6, 1) == 605.9
    assert pins["licence"].unique().tolist() == ["ODbL-1.0 AND DbCL-1.0"]
    assert pins["url"].str.contains("/1658cd342dff90010aa843eaeebd53610a08b1dc/").all()
    assert PINS.stat().st_size < 900_000
    same = pins[pins["sha256"].duplicated(keep=False)].groupby("sha256")["path"]
    pairs = [("1006_TIE_HAP", "1006_TIE_NEU"), ("1013_WSI_DIS", "1013_WSI_SAD"), ("1017_IWW_ANG", "1017_IWW_FEA")]
    wanted = [[f"AudioWAV/{clip}_XX.wav" for clip in pair] for pair in pairs]
    assert sorted(sorted(group) for _, group in same) == wanted

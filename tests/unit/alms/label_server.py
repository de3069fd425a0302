"""A server with a real checkpoint that keeps to vLLM 0.33's documented semantics of what reading labels needs.

``/v1/chat/completions`` with ``max_tokens: 1`` and ``logprob_token_ids``, ``/tokenize`` of a chat and ``/detokenize``.
The model is run by transformers' own classes: nothing of the project's.
"""

import base64
import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import soundfile
import torch
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

HIGHEST = 128  # tokens that one request may name


class LabelServer(ThreadingHTTPServer):
    """``seen`` are (path, body) of the requests; ``spoil(path, reply)`` may change what is sent."""

    daemon_threads = True

    def __init__(self, checkpoint, spoil=lambda path, reply: reply):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.processor = AutoProcessor.from_pretrained(checkpoint)
        self.model = Qwen2AudioForConditionalGeneration.from_pretrained(checkpoint).eval()
        self.spoil, self.seen, self.lock = spoil, [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def rendered(self, body):
        """Return the prompt as text, and its clip."""
        clip, turns = None, []
        for turn in body["messages"]:
            parts = (
                turn["content"] if isinstance(turn["content"], list) else [{"type": "text", "text": turn["content"]}]
            )
            for part in parts:
                if part["type"] == "input_audio":
                    clip = soundfile.read(io.BytesIO(base64.b64decode(part["input_audio"]["data"])), dtype="float32")[0]
            kept = [{"type": "audio", "audio_url": "clip"} if p["type"] == "input_audio" else p for p in parts]
            turns.append({"role": turn["role"], "content": turn["content"] if turn["role"] == "assistant" else kept})
        continued, opened = body.get("continue_final_message", False), body.get("add_generation_prompt", True)
        if continued and opened:
            raise ValueError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        text = self.processor.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=opened, continue_final_message=continued
        )
        return text, clip

    @torch.no_grad()
    def completion(self, body):
        named = body["logprob_token_ids"]
        assert body["logprobs"] is True and body["max_tokens"] == 1 and len(named) <= HIGHEST
        assert body["return_tokens_as_token_ids"] is True
        text, clip = self.rendered(body)
        sound = {} if clip is None else {"audio": [clip], "sampling_rate": 16_000}
        inputs = self.processor(text=[text], return_tensors="pt", padding=True, **sound)
        logp = self.model(**inputs).logits[0, -1].double().log_softmax(-1)
        likeliest = int(logp.argmax())
        listed = [{"token": f"token_id:{i}", "logprob": max(float(logp[i]), -9999.0)} for i in (likeliest, *named)]
        content = [{**listed[0], "top_logprobs": listed}]
        message = {"role": "assistant", "content": self.processor.tokenizer.decode([likeliest])}
        return {
            "object": "chat.completion",
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "logprobs": {"content": content}, "finish_reason": "length"}],
            "usage": {"total_tokens": inputs["input_ids"].shape[1] + 1, "completion_tokens": 1},
        }

    def reply(self, path, body):
        if path == "/v1/chat/completions":
            return self.completion(body)
        tokenizer = self.processor.tokenizer
        if path == "/tokenize":
            tokens = tokenizer(self.rendered(body)[0], add_special_tokens=False)["input_ids"]
            return {"count": len(tokens), "max_model_len": 1024, "tokens": tokens}
        if path == "/detokenize":
            return {"prompt": tokenizer.decode(body["tokens"])}
        return None


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append((self.path, body))
            number = len(self.server.seen)
            reply = self.server.spoil(self.path, self.server.reply(self.path, body))
        status = 404 if reply is None else 200
        if isinstance(reply, dict) and "choices" in reply:
            reply = {"id": f"chatcmpl-{number}", **reply}
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def label_server(checkpoint, spoil=lambda path, reply: reply):
    server = LabelServer(checkpoint, spoil)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()

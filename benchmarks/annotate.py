"""Twenty votes an utterance beside transformers' ``generate``, on one model, the same clips and the same prompts.

Two random models with Qwen2-Audio's classes: the tiny one of the demo, and one of 43 million parameters that hears
the published 30 s window of 128 mel bins. Beside them 20 x generate(), generate(num_return_sequences=20) and one
bare prefill (the model's own forward of one prompt). Every way starts from the sound file and the rendered prompt
and draws at temperature 0.8 from the whole vocabulary. Then five focus lines about one clip with and without a
shared prefix, and how long the model waits for sound files. Seconds (on a CPU the processor's, of one thread, so
that other work on the machine counts less) are medians of rounds in which the ways take turns; memory is what a
process of its own takes at its peak, over what it held before.

    python benchmarks/annotate.py [--rounds 7] [--large-rounds 3] [--device cpu]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import torch  # noqa: E402
from transformers import (  # noqa: E402
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

from scaling_ambiguity.alms.ahead import Ahead  # noqa: E402
from scaling_ambiguity.alms.audio import load_waveform  # noqa: E402
from scaling_ambiguity.alms.engines.transformers import Engine  # noqa: E402
from scaling_ambiguity.alms.loading import LoadedALM  # noqa: E402
from scaling_ambiguity.alms.questions import Question  # noqa: E402
from scaling_ambiguity.alms.tiny.build import build_model, build_processor  # noqa: E402
from scaling_ambiguity.alms.tiny.tokenizer import AUDIO, END, END_OF_TEXT, train_tokenizer  # noqa: E402
from scaling_ambiguity.proxies.prompts import MODALITIES, load_prompts, render  # noqa: E402
from scaling_ambiguity.seeds import uniform  # noqa: E402

CLASSES = ("neutral", "happy", "sad", "angry")
PROMPTS = load_prompts(REPOSITORY / "workflow" / "prompts" / "focus.yaml")
VOTES, TEMPERATURE, LONG, RATE = 20, 0.8, 12, 16_000
SLOW = 5.0  # seconds
SECONDS = {"tiny": 2.5, "large": 30.0}
AT_ONCE = {"tiny": (1, Engine.clips_at_once), "large": (1,)}
WAYS = {
    1: ("20 x generate()", "generate(num_return_sequences=20)", "one bare prefill", "sampled", "readout"),
    LONG: ("20 x generate()", "generate(num_return_sequences=20)", "sampled"),
}


def large(tokenizer) -> tuple[Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor]:
    """Return a random model of 43 million parameters and its processor: 30 s of 128 mel bins, 750 audio tokens."""
    token = {name: tokenizer.convert_tokens_to_ids(name) for name in (AUDIO, END, END_OF_TEXT)}
    audio = {"model_type": "qwen2_audio_encoder", "d_model": 384, "encoder_layers": 8, "encoder_attention_heads": 6}
    audio |= {"encoder_ffn_dim": 1536, "num_mel_bins": 128, "max_source_positions": 1500}
    text = {"model_type": "qwen2", "vocab_size": len(tokenizer), "hidden_size": 512, "num_hidden_layers": 8}
    text |= {"num_attention_heads": 8, "num_key_value_heads": 8, "intermediate_size": 1536, "bos_token_id": None}
    text |= {"max_position_embeddings": 2048, "pad_token_id": token[END_OF_TEXT], "eos_token_id": token[END]}
    config = Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=token[AUDIO])
    torch.manual_seed(1)
    model = Qwen2AudioForConditionalGeneration(config)
    extractor = WhisperFeatureExtractor(feature_size=128, chunk_length=30, return_attention_mask=True)
    return model, Qwen2AudioProcessor(feature_extractor=extractor, tokenizer=tokenizer)


def open_model(size: str, device: str) -> LoadedALM:
    """Return a random model; its answers end where their length says, never by chance before."""
    tokenizer = train_tokenizer(
        [PROMPTS.user_text(f, "", CLASSES, m) for f in PROMPTS.focus_ids for m in MODALITIES], list(CLASSES)
    )
    if size == "tiny":
        processor = build_processor(tokenizer)
        model = build_model(processor, 1)
    else:
        model, processor = large(tokenizer)
    tokenizer.padding_side = "left"
    end = [tokenizer.convert_tokens_to_ids(name) for name in (END, END_OF_TEXT)]
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end[1])
    model.lm_head = endless(model.lm_head, end)
    return LoadedALM(model.to(device).eval(), processor, tokenizer, torch.device(device), "random")


def endless(layer: torch.nn.Linear, end: list[int]) -> torch.nn.Linear:
    """Return an output layer that never ends an answer, so that every way draws as many tokens."""
    barred = torch.nn.Linear(layer.in_features, layer.out_features)
    barred.weight = layer.weight
    barred.bias = torch.nn.Parameter(torch.zeros(layer.out_features).index_fill(0, torch.tensor(end), -1e4))
    return barred


def write_clips(folder: Path, count: int, seconds: float, rate: int = RATE) -> list[Path]:
    """Write clips of noise."""
    paths = []
    for place in range(count):
        paths.append(folder / f"{rate}_{seconds:g}_{place}.wav")
        samples = np.random.default_rng(place).normal(0, 0.1, round(seconds * rate))
        soundfile.write(paths[-1], samples, rate)
    return paths


def prompt_of(alm: LoadedALM, focus: str) -> str:
    """Return the rendered prompt of a focus line."""
    return render(alm, PROMPTS, focus, "the road turns left at the mill", CLASSES, "both")


def questions(alm: LoadedALM, clip: Path, mode: str, focus: list[str], votes: int) -> list[Question]:
    """Return ``votes`` questions about a clip, dealt over the focus lines."""
    labels = CLASSES if mode == "readout" else None
    texts = [prompt_of(alm, one) for one in focus]
    return [Question(texts[v % len(texts)], clip, TEMPERATURE, (clip.name, v), labels) for v in range(votes)]


@torch.no_grad()
def run(way: str, alm: LoadedALM, clips: list[Path], tokens: int) -> None:
    """Ask for twenty votes on each clip, the clips in one batch, from the files to the texts."""
    if way in ("sampled", "readout"):
        engine = Engine(alm, "random", tokens)
        asked = [question for clip in clips for question in questions(alm, clip, way, ["tone"], VOTES)]
        answers = engine.answer(asked, uniform)
        if way == "sampled" and {answer.tokens for answer in answers} != {tokens}:
            raise SystemExit("an answer is not as long as the others; the comparison would be unfair.")
        return
    options = {"max_new_tokens": tokens, "do_sample": True, "temperature": TEMPERATURE, "top_k": 0, "top_p": 1.0}
    for _ in range(VOTES if way.startswith("20") else 1):
        waveforms, texts = [load_waveform(clip) for clip in clips], [prompt_of(alm, "tone") for _ in clips]
        batch = alm.processor(text=texts, audio=waveforms, sampling_rate=RATE, return_tensors="pt", padding=True)
        batch = batch.to(alm.device)
        if way == "one bare prefill":
            alm.model(**batch)
            continue
        copies = 1 if way.startswith("20") else VOTES
        found = alm.model.generate(**batch, **options, num_return_sequences=copies)
        if found.shape != (copies * len(clips), batch["input_ids"].shape[1] + tokens):
            raise SystemExit("generate() gave answers of another length; the comparison would be unfair.")
        alm.tokenizer.batch_decode(found[:, -tokens:], skip_special_tokens=True)


def timed(function: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of a call: on a GPU its work included, on a CPU the processor's own, one thread's."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    start = clock()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def in_turns(ways: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """Return the median seconds of each way, after one call that does not count; what is slow is called once."""
    seconds = {way: [timed(function, device)] for way, function in ways.items()}
    for _ in range(rounds):
        for way, function in ways.items():
            if seconds[way][0] < SLOW:
                seconds[way].append(timed(function, device))
    return {way: statistics.median(values[1:] or values) for way, values in seconds.items()}


def peak_of(way: str, size: str, tokens: int, clips: int, device: str) -> float:
    """Return the MiB that a process takes at its peak, over what it held with the model open."""
    command = [sys.executable, __file__, "--only", way, "--size", size, "--tokens", str(tokens), "--device", device]
    command += ["--clips", str(clips)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def peak_resident(reset: bool = False) -> float:
    """Return the MiB that this process had resident at its peak (Linux), counted from now on if ``reset``."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**10


def only(way: str, size: str, tokens: int, clips: int, device: str) -> None:
    """Print the MiB of one way alone."""
    alm = open_model(size, device)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_clips(Path(folder), clips, SECONDS[size])
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            run(way, alm, paths, tokens)
            print((torch.cuda.max_memory_allocated() - before) / 2**20)
        else:
            before = peak_resident(reset=True)
            run(way, alm, paths, tokens)
            print(peak_resident() - before)


def compare(size: str, tokens: int, clips: int, rounds: int, device: str, folder: Path) -> None:
    """Print seconds a clip, ratios and memory of every way."""
    alm = open_model(size, device)
    paths = write_clips(folder, clips, SECONDS[size])
    ways = {way: lambda way=way: run(way, alm, paths, tokens) for way in WAYS[tokens]}
    seconds = {way: value / clips for way, value in in_turns(ways, rounds, alm.device).items()}
    millions = sum(p.numel() for p in alm.model.parameters()) / 1e6
    print(f"\n{size}: {millions:.2f} million parameters, {SECONDS[size]:g} s clip, {VOTES} votes of {tokens} token(s),")
    print(f"{clips} clip(s) at once; seconds and prefills are a clip's")
    print(f"{'way':36}{'s':>9}{'x gen(n=20)':>13}{'prefills':>10}{'peak MiB':>10}")
    base, bare = seconds["generate(num_return_sequences=20)"], seconds.get("one bare prefill")
    for way, value in seconds.items():
        prefills = f"{value / bare:10.2f}" if bare else " " * 10
        print(f"{way:36}{value:9.4f}{base / value:13.1f}{prefills}{peak_of(way, size, tokens, clips, device):10.0f}")


def focus_lines(size: str, rounds: int, device: str, folder: Path) -> None:
    """Print what five focus lines about one clip cost, in prefills of one focus line."""
    alm = open_model(size, device)
    clip = write_clips(folder, 1, SECONDS[size])[0]

    def ask(focus: list[str], shared: bool) -> None:
        engine = Engine(alm, "random", 1, shared)
        engine.answer(questions(alm, clip, "readout", focus, VOTES), uniform)

    five = PROMPTS.focus_ids
    ways = {
        "one bare prefill": lambda: run("one bare prefill", alm, [clip], 1),
        "one focus line": lambda: ask(["tone"], False),
        "five, each alone": lambda: [ask([one], False) for one in five],
        "five, clip encoded once": lambda: ask(five, False),
        "five, shared_prefix": lambda: ask(five, True),
    }
    seconds = in_turns(ways, max(rounds, 3), alm.device)
    print(f"\n{size}: five focus lines about one clip of {SECONDS[size]:g} s, labels read out, 20 votes")
    for way, value in seconds.items():
        print(f"{way:36}{value:9.4f} s{value / seconds['one bare prefill']:8.2f} prefills")


def waiting(size: str, seconds: float, batches: int, device: str, folder: Path) -> None:
    """Print the share of the time in which the model waits for sound files, 48 kHz, without and with a thread."""
    alm = open_model(size, device)
    clips = write_clips(folder, 8 * batches, seconds, 48_000)
    work = [
        [q for clip in clips[start : start + 8] for q in questions(alm, clip, "sampled", PROMPTS.focus_ids, VOTES)]
        for start in range(0, len(clips), 8)
    ]
    found = {}
    for way in ("one after the other", "prepared ahead"):
        engine, idle, start = Engine(alm, "random", 2), 0.0, time.perf_counter()
        queue = Ahead(work, engine.prepare if way == "prepared ahead" else None)
        answers = []
        for batch, prepared in queue:
            if prepared is None:
                began = time.perf_counter()
                prepared = engine.prepare(batch)
                idle += time.perf_counter() - began
            answers.append(engine.answer(batch, uniform, prepared))
        found[way] = answers
        total = time.perf_counter() - start
        share = (idle + queue.waited) / total
        print(f"{way:36}{total / len(clips):9.4f} s a clip, the model waits {100 * share:.1f} % of the time")
    first, second = found.values()
    print(f"answers of both: {'the same bytes' if first == second else 'DIFFERENT'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large-rounds", type=int, default=3, help="0 leaves the large model out")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--only", help="one way alone, for its memory")
    parser.add_argument("--size", default="tiny", choices=tuple(SECONDS))
    parser.add_argument("--tokens", type=int, default=1)
    parser.add_argument("--clips", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.only:
        only(arguments.only, arguments.size, arguments.tokens, arguments.clips, arguments.device)
        sys.exit()
    with tempfile.TemporaryDirectory() as name:
        sizes = {"tiny": arguments.rounds, "large": arguments.large_rounds}
        for one, turns in ((size, turns) for size, turns in sizes.items() if turns):
            for length, clips in ((length, clips) for clips in AT_ONCE[one] for length in WAYS):
                compare(one, length, clips, turns, arguments.device, Path(name))
            focus_lines(one, turns, arguments.device, Path(name))
            print(f"\n{one}: reading and features beside the model")
            waiting(one, SECONDS[one], 12 if one == "tiny" else 2, arguments.device, Path(name))

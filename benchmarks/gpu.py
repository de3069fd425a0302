"""Qwen2-Audio's real shape on one GPU, in at most eight minutes and from nothing but this repository.

A model of the published 7B shape (8.4 billion parameters) with random weights in bfloat16, made on the device, and a
small tokenizer trained here: so what is measured is time and memory, not answers, and nothing is fetched. Clips of
noise of 2 to 12 s are annotated the way a job does it (answer store, batches sorted by length, five focus lines, 20
votes): sampled, read out, verbalised; beside them transformers' ``generate`` with 20 sequences per clip, on one focus
line. Then LoRA steps beside the Hugging Face Trainer with the published settings. The peak of each is set against what
the library foresaw. Random weights hardly ever end an answer, so every answer has its full length, the library's and
``generate``'s alike. Without a GPU a model of the same classes and a few million parameters runs on the CPU.

    python benchmarks/gpu.py [--size 7b|small] [--clips 64] [--minutes 8] [--json gpu.json]
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(REPOSITORY / "workflow" / "scripts"))  # after benchmarks/, whose finetune.py is meant
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import finetune  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import psutil  # noqa: E402
import soundfile  # noqa: E402
import torch  # noqa: E402
from transformers import (  # noqa: E402
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

from scaling_ambiguity.alms.audio import load_waveform  # noqa: E402
from scaling_ambiguity.alms.engines.transformers import Engine  # noqa: E402
from scaling_ambiguity.alms.free_memory import free_memory, ran_out  # noqa: E402
from scaling_ambiguity.alms.loading import LoadedALM  # noqa: E402
from scaling_ambiguity.alms.place_cost import place_cost  # noqa: E402
from scaling_ambiguity.alms.tiny.tokenizer import AUDIO, END, END_OF_TEXT, train_tokenizer  # noqa: E402
from scaling_ambiguity.finetuning.lora import AdaptedALM  # noqa: E402
from scaling_ambiguity.proxies.annotation import collect  # noqa: E402
from scaling_ambiguity.proxies.elicitation import items  # noqa: E402
from scaling_ambiguity.proxies.prompts import MODALITIES, load_prompts, render  # noqa: E402
from scaling_ambiguity.proxies.reading import longest_answer, prompts_for  # noqa: E402
from scaling_ambiguity.proxies.store import AnswerStore  # noqa: E402
from scaling_ambiguity.training.examples import Examples  # noqa: E402
from scaling_ambiguity.training.losses import choose_loss  # noqa: E402
from scaling_ambiguity.training.memory import foresee  # noqa: E402
from scaling_ambiguity.training.options import TrainingOptions  # noqa: E402
from scaling_ambiguity.training.team import ALONE  # noqa: E402

PROMPTS = REPOSITORY / "workflow" / "prompts"
CLASSES = ["neutral", "happy", "sad", "angry"]
STEPS, BATCH = 8, 8
OPTIONS = TrainingOptions(
    steps=STEPS,
    batch=BATCH,
    evaluate_every=STEPS,
    learning_rate=1e-4,
    warmup=0.1,
    weight_decay=0.0,
    clip=1.0,
    lora=finetune.LORA,
)
# Of each: hidden size, layers, heads, inner size; frames; vocabulary. 7b is what Qwen/Qwen2-Audio-7B-Instruct has.
SHAPES = {
    "7b": {"text": (4096, 32, 32, 11_008), "audio": (1280, 32, 20, 5120), "vocabulary": 156_032},
    "small": {"text": (64, 2, 4, 128), "audio": (32, 2, 2, 64), "vocabulary": 4_096},
}


def open_model(size: str, device: torch.device) -> LoadedALM:
    """Return the random model, its weights made on the device: bfloat16 on a GPU, float32 on a CPU."""
    prompts = load_prompts(PROMPTS / "focus.yaml")
    tokenizer = train_tokenizer(
        [prompts.user_text(f, "", CLASSES, m) for f in prompts.focus_ids for m in MODALITIES], CLASSES
    )
    token = {name: tokenizer.convert_tokens_to_ids(name) for name in (AUDIO, END, END_OF_TEXT)}
    (hidden, layers, heads, inner), (width, blocks, ears, wide) = (SHAPES[size][part] for part in ("text", "audio"))
    audio = {"model_type": "qwen2_audio_encoder", "d_model": width, "encoder_layers": blocks, "num_mel_bins": 128}
    audio |= {"encoder_attention_heads": ears, "encoder_ffn_dim": wide, "max_source_positions": 1500}
    text = {"model_type": "qwen2", "vocab_size": SHAPES[size]["vocabulary"], "hidden_size": hidden}
    text |= {"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads}
    text |= {"intermediate_size": inner, "max_position_embeddings": 8192, "bos_token_id": None}
    text |= {"pad_token_id": token[END_OF_TEXT], "eos_token_id": token[END], "tie_word_embeddings": False}
    config = Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=token[AUDIO])
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if device.type == "cuda" else torch.float32)
    try:
        torch.manual_seed(1)
        with device:
            model = Qwen2AudioForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
    model.generation_config = GenerationConfig(eos_token_id=token[END], pad_token_id=token[END_OF_TEXT])
    tokenizer.padding_side = "left"
    extractor = WhisperFeatureExtractor(feature_size=128, chunk_length=30, return_attention_mask=True)
    processor = Qwen2AudioProcessor(feature_extractor=extractor, tokenizer=tokenizer)
    return LoadedALM(model.to(device).eval(), processor, tokenizer, device, "random")


def write_clips(folder: Path, count: int, longest: float) -> pd.DataFrame:
    """Write clips of noise, a sixth of ``longest`` seconds and more, and return their table."""
    rng, rows = np.random.default_rng(1), []
    for place in range(count):
        seconds = rng.uniform(longest / 6, longest)
        soundfile.write(folder / f"{place:03d}.wav", rng.normal(0, 0.1, round(16_000 * seconds)), 16_000)
        rows.append({"utterance": f"u{place:03d}", "path": f"{place:03d}.wav", "transcript": "the road turns left"})
    return pd.DataFrame(rows)


class Peak:
    """The memory that a block takes at its peak over what was held before it, GB."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.gb, self.seconds = device, 0.0, 0.0

    def __enter__(self) -> "Peak":
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
        else:
            Path("/proc/self/clear_refs").write_text("5")
            self._before = psutil.Process().memory_info().rss
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            peak = torch.cuda.max_memory_allocated()
        else:
            lines = Path("/proc/self/status").read_text().splitlines()
            peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
        self.seconds = time.perf_counter() - self._started
        self.gb = max(0.0, peak - self._before) / 1e9


def annotate(
    alm: LoadedALM, clips: pd.DataFrame, folder: Path, votes: int, mode: str, shared: bool = False
) -> dict[str, Any]:
    """Annotate all clips as a job does and return seconds and memory."""
    options = {"votes": votes, "design": "crossed", "temperatures": [0.2, 0.4, 0.6, 0.8], "modality": "both"}
    options |= {"mode": mode}
    prompts = prompts_for(options, PROMPTS / ("verbalised.yaml" if mode == "verbalised" else "focus.yaml"))
    engine = Engine(alm, "random", longest_answer(options, CLASSES), shared)
    asked = items(clips, folder, engine, options, prompts, CLASSES, 1)
    store = AnswerStore(folder / f"store-{mode}-{shared}")
    with Peak(alm.device) as peak:
        records = collect(asked, engine, store, mode)
    store.close()
    return {
        "clips": len(clips),
        "answers": len(records),
        "tokens": sum(record["tokens"] for record in records.values()),
        "seconds": peak.seconds,
        "peak_gb": peak.gb,
        "foreseen_gb": engine.forwards.largest / 1e9,
    }


@torch.no_grad()
def generate(alm: LoadedALM, clips: pd.DataFrame, folder: Path, votes: int) -> dict[str, Any]:
    """Let transformers' ``generate`` answer a prompt about each clip ``votes`` times, as many clips at once as fit."""
    prompts = load_prompts(PROMPTS / "focus.yaml")
    options = {"max_new_tokens": 8, "do_sample": True, "temperature": 0.8, "top_k": 0, "top_p": 1.0}
    paths, at_once, done, tokens = [folder / path for path in clips["path"]], 8, 0, 0
    text = render(alm, prompts, prompts.focus_ids[0], "the road turns left", CLASSES, "both")
    with Peak(alm.device) as peak:
        while done < len(paths):
            some = paths[done : done + at_once]
            batch = alm.processor(
                text=[text] * len(some),
                audio=[load_waveform(path) for path in some],
                sampling_rate=16_000,
                return_tensors="pt",
                padding=True,
            ).to(alm.device)
            batch["input_features"] = batch["input_features"].to(alm.model.dtype)
            try:
                found = alm.model.generate(**batch, **options, num_return_sequences=votes)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error) or at_once == 1:
                    raise
                found = None
            if found is None:
                at_once //= 2
                continue
            tokens += found.shape[0] * (found.shape[1] - batch["input_ids"].shape[1])
            alm.tokenizer.batch_decode(found[:, -8:], skip_special_tokens=True)
            done += len(some)
    return {
        "clips": len(paths),
        "answers": votes * len(paths),
        "tokens": tokens,
        "seconds": peak.seconds,
        "peak_gb": peak.gb,
        "at_once": at_once,
    }


def examples(clips: pd.DataFrame, folder: Path) -> Examples:
    """Return the clips with random labels."""
    targets = np.random.default_rng(2).dirichlet(np.ones(len(CLASSES)), len(clips))
    paths = [folder / path for path in clips["path"]]
    return Examples(clips["utterance"].tolist(), paths, clips["transcript"].tolist(), targets)


def train(alm: LoadedALM, data: Examples, way: str) -> dict[str, Any]:
    """Make LoRA steps this library's way or the Trainer's; afterwards the model is as it was."""
    foreseen = None
    if way == "library":
        trainee = AdaptedALM(
            alm,
            None,
            OPTIONS,
            choose_loss({"head": "labels", "loss": "nll"}),
            CLASSES,
            load_prompts(PROMPTS / "focus.yaml"),
        )
        inputs = trainee.inputs(data, "clips")
        trainee.reset(1)
        loss: Callable[[list[int]], torch.Tensor] = lambda rows: trainee.batch_loss(  # noqa: E731
            inputs.batch(rows), inputs.targets(rows)
        )
        estimate = foresee(trainee, inputs, loss, OPTIONS)
        foreseen = (estimate.optimiser + estimate.activations) / 1e9
        trainee.module.unload()
        if trainee.shortcut is not None:
            trainee.shortcut.remove()
        del trainee, inputs, loss
    with Peak(alm.device) as peak:
        if way == "library":
            found = finetune.ours(alm, data, STEPS, BATCH, ALONE)
        else:
            found = finetune.trainers(alm, data, STEPS, BATCH)
    found.pop("adapter").module.unload()
    return {
        "steps": STEPS,
        "utterances": STEPS * BATCH,
        "seconds": found["seconds"],
        "encoding_seconds_a_clip": found.get("encoding"),
        "peak_gb": peak.gb,
        "foreseen_gb": foreseen,
    }


def table(found: dict[str, Any]) -> str:
    """Return the measurements as text."""
    lines = [
        f"{found['model']}, {found['parameters'] / 1e9:.2f} billion parameters, {found['device']}, "
        f"torch {found['torch']}; weights {found['weights_gb']:.2f} GB",
        f"{'':34}{'clips/s':>10}{'answers/s':>11}{'peak GB over weights':>22}{'foreseen':>10}",
    ]
    for name, one in found["ways"].items():
        if "skipped" in one:
            lines.append(f"{name:34}{one['skipped']}")
            continue
        clips, answers = one.get("clips", one.get("utterances")), one.get("answers")
        rate = f"{answers / one['seconds']:11.1f}" if answers else " " * 11
        estimate = f"{one['foreseen_gb']:10.2f}" if one.get("foreseen_gb") else " " * 10
        lines.append(f"{name:34}{clips / one['seconds']:10.2f}{rate}{one['peak_gb']:22.2f}{estimate}")
    lines.append(f"all: {found['seconds']:.0f} s")
    return "\n".join(lines)


def measure(arguments: argparse.Namespace, size: str, count: int, device: torch.device) -> dict[str, Any]:
    """Run every way for which there is time left, and return what was measured."""
    started = time.perf_counter()
    alm = open_model(size, device)
    parameters = sum(one.numel() for one in alm.model.parameters())
    weights = sum(one.numel() * one.element_size() for one in alm.model.parameters())
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU, one thread"
    found: dict[str, Any] = {
        "model": f"Qwen2-Audio, {size}",
        "parameters": parameters,
        "weights_gb": weights / 1e9,
        "device": name,
        "torch": torch.__version__,
        "free_gb": free_memory(device) / 1e9,
        "place_bytes": place_cost({n: p.shape for n, p in alm.model.named_parameters()}).kept
        * alm.model.lm_head.weight.element_size(),
        "ways": {},
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        clips = write_clips(folder, count, arguments.seconds)
        few, votes = clips.head(8), arguments.votes
        data = examples(clips, folder)
        ways: dict[str, Callable[[], dict[str, Any]]] = {
            "sampled": lambda: annotate(alm, clips, folder, votes, "sampled"),
            "read out": lambda: annotate(alm, clips, folder, votes, "readout"),
            "read out, shared prefix": lambda: annotate(alm, clips, folder, votes, "readout", True),
            "verbalised": lambda: annotate(alm, few, folder, votes, "verbalised"),
            "generate(), one focus line": lambda: generate(alm, clips, folder, votes),
            "LoRA steps": lambda: train(alm, data, "library"),
            "LoRA steps, Hugging Face Trainer": lambda: train(alm, data, "trainer"),
        }
        for way, run in ways.items():
            if time.perf_counter() - started > 60 * arguments.minutes * 0.8:
                found["ways"][way] = {"skipped": "no time left"}
                continue
            try:
                found["ways"][way] = run()
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                found["ways"][way] = {"skipped": "out of memory"}
    found["seconds"] = time.perf_counter() - started
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--size", choices=tuple(SHAPES), help="7b on a GPU, small without, unless stated")
    parser.add_argument("--clips", type=int, help="64 on a GPU, 8 without, unless stated")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--json", type=Path, default=Path("gpu.json"))
    parser.add_argument("--seconds", type=float, default=12.0, help="of the longest clip")
    parser.add_argument("--votes", type=int, default=20)
    parser.add_argument("--cpu", action="store_true", help="even where there is a GPU")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    where = torch.device("cuda" if torch.cuda.is_available() and not arguments.cpu else "cpu")
    chosen = arguments.size or ("7b" if where.type == "cuda" else "small")
    result = measure(arguments, chosen, arguments.clips or (64 if where.type == "cuda" else 8), where)
    arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))

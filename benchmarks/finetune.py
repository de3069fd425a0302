"""Fine-tuning beside the straightforward Hugging Face Trainer with the published settings.

The same Qwen2-Audio of random weights, the same adapter, prompts, clips, effective batch and loss. The Trainer's way:
text padded to 512 tokens, the encoder run again for every batch, logits of the whole vocabulary at every position.
This library's: clips encoded once, prompts padded to the longest of the batch, the label rows of the output layer.
Each way runs in a process of its own for its peak memory; the first steps do not count. Printed beside: the library
with its encoding counted in full, the share of time spent making batches, and two processes. Ratios are of one run.

    python benchmarks/finetune.py [--size tiny|small] [--steps 12] [--batch 8]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import torch  # noqa: E402
from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, WhisperFeatureExtractor  # noqa: E402

from scaling_ambiguity.alms.audio import load_waveform  # noqa: E402
from scaling_ambiguity.alms.loading import LoadedALM, load_alm  # noqa: E402
from scaling_ambiguity.alms.scoring import label_log_probabilities  # noqa: E402
from scaling_ambiguity.alms.tiny.build import build_model, build_processor  # noqa: E402
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer  # noqa: E402
from scaling_ambiguity.finetuning.adapter import Adapter  # noqa: E402
from scaling_ambiguity.finetuning.inputs import FrozenInputs  # noqa: E402
from scaling_ambiguity.finetuning.shortcut import last_position_only  # noqa: E402
from scaling_ambiguity.proxies.prompts import load_prompts, render  # noqa: E402
from scaling_ambiguity.training.examples import Examples  # noqa: E402
from scaling_ambiguity.training.launch import launch  # noqa: E402
from scaling_ambiguity.training.losses import nll  # noqa: E402
from scaling_ambiguity.training.options import Lora  # noqa: E402
from scaling_ambiguity.training.team import Team  # noqa: E402

CLASSES = ["neutral", "happy", "sad", "angry"]
PROMPTS = REPOSITORY / "workflow" / "prompts" / "focus.yaml"
LORA = {"r": 8, "alpha": 16, "dropout": 0.05, "targets": ["q_proj", "k_proj", "v_proj", "o_proj"]}
WARM, CLIPS, PADDED = 2, 64, 512


def build(size: str, folder: Path) -> None:
    """Write the model and the clips: the demo's sizes, or 30 s windows of 128 mel bins and 32,000 tokens."""
    prompts = load_prompts(PROMPTS)
    texts = [prompts.user_text(focus, "It is late.", CLASSES, "both") for focus in prompts.focus_ids]
    processor = build_processor(train_tokenizer(texts, CLASSES))
    model = build_model(processor, 3)
    if size == "small":
        config = model.config.to_dict()
        config["audio_config"] |= {"d_model": 256, "encoder_layers": 4, "encoder_ffn_dim": 1024}
        config["audio_config"] |= {"num_mel_bins": 128, "max_source_positions": 1500}
        config["text_config"] |= {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6}
        config["text_config"] |= {"num_key_value_heads": 6, "intermediate_size": 1536, "vocab_size": 32_000}
        config["text_config"] |= {"max_position_embeddings": 2048, "head_dim": 64, "layer_types": None}
        processor.feature_extractor = WhisperFeatureExtractor(feature_size=128, return_attention_mask=True)
        torch.manual_seed(3)
        model = Qwen2AudioForConditionalGeneration(Qwen2AudioConfig.from_dict(config))
    model.save_pretrained(folder / "model")
    processor.save_pretrained(folder / "model")
    rng = np.random.default_rng(1)
    for clip in range(CLIPS):
        seconds = rng.uniform(1.5, 3.5)
        soundfile.write(folder / f"{clip:03d}.wav", 0.05 * rng.normal(size=round(16_000 * seconds)), 16_000)


def examples(folder: Path) -> Examples:
    """Return the clips with random labels."""
    names = [f"{clip:03d}" for clip in range(CLIPS)]
    targets = np.random.default_rng(2).dirichlet(np.ones(len(CLASSES)), CLIPS)
    return Examples(names, [folder / f"{name}.wav" for name in names], ["It is late."] * CLIPS, targets)


def rows_of(step: int, batch: int, clips: int) -> list[int]:
    """Return the clips of a step."""
    return [(step * batch + place) % clips for place in range(batch)]


def high_water() -> float:
    """Return the process's peak memory, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def ours(alm: LoadedALM, data: Examples, steps: int, batch: int, team: Team) -> dict[str, Any]:
    """Train this library's way."""
    started = time.perf_counter()
    inputs = FrozenInputs(alm, load_prompts(PROMPTS), data, CLASSES, "clips")
    encoding = time.perf_counter() - started
    adapter = Adapter(alm, Lora(**LORA))
    adapter.reset(1)
    optimiser = torch.optim.AdamW(adapter.parameters, lr=1e-4)
    adapter.train(True)
    making = begun = 0.0
    with last_position_only(alm, CLASSES) or nullcontext():
        for step in range(WARM + steps):
            if step == WARM:
                making, begun = 0.0, time.perf_counter()
            start = time.perf_counter()
            rows = rows_of(step, batch, len(data))[team.rank :: team.size]
            made = inputs.batch(rows)
            making += time.perf_counter() - start
            loss = nll(label_log_probabilities(alm, made, CLASSES), inputs.targets(rows)).mean() / team.size
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            team.add([parameter.grad for parameter in adapter.parameters], [0.0], adapter.parameters)
            optimiser.step()
    float(loss.detach())  # a GPU's work included
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "encoding": encoding / len(data), "making": making / seconds, "adapter": adapter}


def trainers(alm: LoadedALM, data: Examples, steps: int, batch: int) -> dict[str, Any]:
    """Train as one would with transformers' Trainer."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    prompts = load_prompts(PROMPTS)
    adapter = Adapter(alm, Lora(**LORA))
    adapter.reset(1)
    adapter.train(True)
    labels = torch.tensor([alm.tokenizer(name, add_special_tokens=False)["input_ids"][0] for name in CLASSES])
    texts = [render(alm.processor, prompts, prompts.focus_ids[0], words, CLASSES, "both") for words in data.transcripts]

    def collate(rows: list[int]) -> dict[str, torch.Tensor]:
        clips = [load_waveform(data.paths[row]) for row in rows]
        made = alm.processor(
            text=[texts[row] for row in rows],
            audio=clips,
            text_kwargs={"padding": "max_length", "max_length": PADDED, "return_tensors": "pt"},
            audio_kwargs={"padding": "max_length", "sampling_rate": 16_000, "return_tensors": "pt"},
        )
        return dict(made) | {"targets": torch.from_numpy(data.targets[rows]).float()}

    class Published(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **_):
            targets = inputs.pop("targets")
            inputs["input_features"] = inputs["input_features"].to(alm.model.dtype)
            outputs = model(**inputs, use_cache=False)
            loss = nll(outputs.logits[:, -1, labels].float().log_softmax(-1), targets).mean()
            return (loss, outputs) if return_outputs else loss

    begun: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, _arguments, state, _control, **_):
            if state.global_step == WARM:
                begun.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder, per_device_train_batch_size=batch, max_steps=WARM + steps, report_to=[],
            use_cpu=alm.device.type == "cpu",
            save_strategy="no", disable_tqdm=True, remove_unused_columns=False, learning_rate=1e-4,
        )  # fmt: skip
        rows = [row for step in range(WARM + steps) for row in rows_of(step, batch, len(data))]
        Published(adapter.module, settings, train_dataset=rows, data_collator=collate, callbacks=[Clock()]).train()
    return {"seconds": time.perf_counter() - begun[0], "adapter": adapter}


def one(way: str, folder: Path, steps: int, batch: int) -> None:
    """Run one way in this process and write what was measured."""
    torch.set_num_threads(1)
    team = Team.join(cpu=True)
    alm, data = load_alm(folder / "model", device="cpu"), examples(folder)
    before = high_water()
    found = trainers(alm, data, steps, batch) if way == "trainer" else ours(alm, data, steps, batch, team)
    found.pop("adapter")
    if team.main:
        found |= {"peak": high_water() - before, "loaded": before}
        (folder / f"{way}.json").write_text(json.dumps(found))
    team.leave()


def compare(size: str, steps: int, batch: int) -> None:
    """Run every way and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), {}
        build(size, folder)
        model = load_alm(folder / "model", device="cpu").model
        millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
        for way, processes in (("trainer", 1), ("ours", 1), ("ours-2", 2)):
            command = [sys.executable, __file__, "--way", way, "--folder", name]
            command += ["--steps", str(steps), "--batch", str(batch)]
            status = launch(command, processes) if processes > 1 else subprocess.run(command, check=False).returncode
            if status:
                raise SystemExit(status)
            found[way] = json.loads((folder / f"{way}.json").read_text())
    print(f"{size} Qwen2-Audio, {millions:.1f} M parameters, batch {batch}, {steps} steps, clips of 1.5 to 3.5 s")
    print(f"{'':34}utterances/s   peak above the loaded model, MiB")
    rates = {way: steps * batch / one["seconds"] for way, one in found.items()}
    names = {"trainer": "Trainer as published", "ours": "this library", "ours-2": "this library, two processes"}
    for way, one in found.items():
        print(f"{names[way]:34}{rates[way]:12.1f}   {one['peak']:10.0f}")
    once = 1 / (1 / rates["ours"] + found["ours"]["encoding"])
    print(f"{'this library, encoding in 1 epoch':34}{once:12.1f}")
    print(f"utterances a second: {rates['ours'] / rates['trainer']:.1f} times the Trainer's;")
    print(f"  {once / rates['trainer']:.1f} times if every clip were seen once only")
    loaded = found["ours"]["loaded"]
    above, whole = ((found["ours"]["peak"] + base) / (found["trainer"]["peak"] + base) for base in (0, loaded))
    print(f"peak memory: {above:.2f} of the Trainer's above the loaded model, {whole:.2f} with model and libraries")
    print(f"making batches: {100 * found['ours']['making']:.1f} % of the time")
    print(f"two processes: {rates['ours-2'] / rates['ours']:.2f} times one, on {os.cpu_count()} cores")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--size", choices=["tiny", "small"], default="small")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        one(arguments.way, arguments.folder, arguments.steps, arguments.batch)
    else:
        compare(arguments.size, arguments.steps, arguments.batch)

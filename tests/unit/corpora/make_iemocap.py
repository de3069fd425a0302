"""Made-up corpora in the exact format of IEMOCAP: sessions, names, votes and texts are invented."""

import wave
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HEAD = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
WORDS = ["Neutral", "Happiness", "Sadness", "Anger", "Excited", "Frustration", "Surprise", "Fear", "Disgust", "Other"]
CODES = dict(zip(WORDS, ["neu", "hap", "sad", "ang", "exc", "fru", "sur", "fea", "dis", "oth"], strict=True))


@dataclass
class Clip:
    """An utterance: categorical votes (rater, labels, comment) and ratings (rater, val, act, dom, comment)."""

    name: str
    votes: list[tuple[str, list[str], str]] = field(default_factory=list)
    ratings: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    text: str | None = "I already filled in that form twice."

    @property
    def dialogue(self) -> str:
        return self.name.rpartition("_")[0]


def block(clip: Clip) -> str:
    """Return the lines of an utterance; the header has the majority and the mean of the observers."""
    counts = Counter(label for rater, labels, _ in clip.votes if rater[0] == "E" for label in labels).most_common(2)
    won = counts and (len(counts) == 1 or counts[0][1] > counts[1][1])
    rows = [row[1:4] for row in clip.ratings if row[0][0] == "E" and all(part.strip() for part in row[1:4])]
    means = np.mean([[float(part) for part in row] for row in rows], axis=0) if rows else [2.5, 2.5, 2.5]
    numbers = ", ".join(f"{mean:.4f}" for mean in means)
    lines = [f"[12.3400 - 15.6700]\t{clip.name}\t{CODES.get(counts[0][0], 'xxx') if won else 'xxx'}\t[{numbers}]"]
    lines += [
        f"C-{rater}:\t{' '.join(f'{label};' for label in labels)}\t({note})" for rater, labels, note in clip.votes
    ]
    lines += [f"A-{r}:\tval {v}; act {a}; dom  {d};\t({note})" for r, v, a, d, note in clip.ratings]
    return "\n".join(lines) + "\n\n"


def write(root: Path, clips: list[Clip], *, audio: bool = True) -> Path:
    """Write the sessions, dialogues and utterances that the names of ``clips`` imply; return ``root``."""
    for dialogue in dict.fromkeys(clip.dialogue for clip in clips):
        session = root / f"Session{int(dialogue[3:5])}"
        own = [clip for clip in clips if clip.dialogue == dialogue]
        texts = session / "dialog" / "transcriptions" / f"{dialogue}.txt"
        labels = session / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"
        for path in (texts, labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text(HEAD + "".join(map(block, own)), encoding="utf-8")
        turns = [f"{clip.name} [012.3400-015.6700]: {clip.text}\n" for clip in own if clip.text is not None]
        texts.write_text("".join(turns), encoding="utf-8")
        for clip in own if audio else ():
            write_sound(session / "sentences" / "wav" / dialogue / f"{clip.name}.wav")
    return root


def write_sound(path: Path) -> None:
    """Write a tenth of a second of a 440 Hz tone, 16 kHz, 16 bit, mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes((8000 * np.sin(np.arange(1600) * 0.1728)).astype("<i2").tobytes())


def sample(*, sessions: tuple[int, ...] = (1, 2, 3, 4, 5), dialogues: int = 2, clips: int = 8, seed: int = 1):
    """Return random clips: in each dialogue ``clips`` utterances by both actors, 3 observers, some self votes."""
    rng = np.random.default_rng(seed)
    found = []
    for session in sessions:
        for dialogue in range(1, dialogues + 1):
            stem = f"Ses{session:02d}{'FM'[dialogue % 2]}_impro{dialogue:02d}"
            for i in range(clips):
                actor = "FM"[i % 2]
                likely = rng.dirichlet(np.full(len(WORDS), 0.3))
                raters = [f"E{e}" for e in sorted(rng.choice(np.arange(1, 7), 3, replace=False))]
                votes = []
                for rater in raters + ([f"{actor}1"] if rng.random() < 0.3 else []):
                    k = 2 if rng.random() < 0.15 else 1
                    votes.append(
                        (rater, [str(w) for w in rng.choice(WORDS, k, replace=False, p=likely * 0.99 + 1e-3)], "")
                    )
                ratings = [(rater, *map(str, rng.integers(1, 6, 3)), "") for rater in raters[:2]]
                found.append(Clip(f"{stem}_{actor}{i // 2:03d}", votes, ratings, f"Sentence number {i} of {dialogue}."))
    return found

"""Reader of IEMOCAP: ``Session*/dialog/EmoEvaluation``, ``transcriptions`` and ``sentences/wav``.

Votes come from the ``C-`` lines of the evaluation files: ``E*`` are observers, ``F*`` and
``M*`` the actors rating themselves. Comments in parentheses are never labels. The speaker is
the letter in the last field of the utterance id, not the one of the dialogue, which names the
actor with the markers. Files whose name starts with a dot (AppleDouble) do not count.
"""

import re
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.folders import contents, existing, without_headers
from scaling_ambiguity.corpora.found import Parsed, assemble_votes, drop_faulty_utterances
from scaling_ambiguity.corpora.label_files import read_lines
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.sound_files import SoundAtHand, sound_files
from scaling_ambiguity.errors import UserError

SESSION = re.compile(r"Session(\d+)")
DIALOGUE = re.compile(r"Ses\d\d[FM]_(?:impro|script)\d\d[a-z]?(?:_\d[a-z]?)?")
UTTERANCE = re.compile(rf"({DIALOGUE.pattern})_([FM])\d{{3}}")
NAMED = re.compile(rf"\]\s*\t\s*({DIALOGUE.pattern}_[FM]\d{{3}})\s*\t".encode())
HEADER = re.compile(r"\[\s*[\d.]+\s*-\s*[\d.]+\s*\]\s*\t\s*([^\t]*?)\s*\t\s*\w+\s*\t\s*\[[^\]]*\]")
VOTE = re.compile(r"([CA])-([EFM]\d+):\s*(.*?)\s*\((.*)\)")
RATING = re.compile(r"val\s*([^;]*);\s*act\s*([^;]*);\s*dom\s*([^;]*);?")
TURN = re.compile(r"(\S+)\s+\[[\d.]+\s*-\s*[\d.]+\]:\s*(.*)")
WORDS = ("neutral", "happiness", "sadness", "anger", "excited", "frustration", "surprise", "fear", "disgust", "other")
VOCABULARY = WORDS  # the raters' choices
LABELS = {word: word for word in WORDS} | {"neutral state": "neutral"}
UTTERANCES_OF_SESSION = {"Session1": 1819, "Session2": 1811, "Session3": 2136, "Session4": 2103, "Session5": 2170}
DIALOGUES = 151


def labels(text: str) -> Parsed:
    """Return the labels of a vote such as ``Frustration; Anger;``."""
    pieces = (piece.strip() for piece in text.split(";"))
    return [(LABELS.get(piece.casefold()), piece) for piece in pieces if piece]


def read(root: Path, options: dict) -> Corpus:
    """Return utterances and votes of all sessions below ``root``.

    Utterances: speaker ``Ses01F``, session ``Session1``, split null, transcript null where
    there is none. Votes: raters ``e1`` for observers, ``ses01_f1`` for actors, since each
    session has its own; a vote of k labels is k rows of weight 1/k.

    Args:
        root: The folder that holds Session1 ... Session5.
        options: The corpus' entry in the configuration; ``release`` is ``full`` (the default: 5 sessions with 151
            dialogues are required, and utterances missing from a session rejected) or anything else for a part of the
            corpus, ``audio`` is ``required``, ``optional`` or ``none``, ``presentation`` is ``audiovisual`` unless
            given.

    Raises:
        UserError: No session, or sessions, dialogues or the sound are missing.
    """
    utterances, entries, rejects = _parse(existing(root), options)
    votes = assemble_votes(
        entries[entries["scale"] == "C"].rename(columns={"text": "primary"}),
        presentation=options.get("presentation", "audiovisual"),
        parse_primary=labels,
        rejects=rejects,
    )
    return Corpus(without_headers(utterances), votes, rejects.table())


def sound_at_hand(root: Path, options: dict) -> SoundAtHand:
    """Return how many of the utterances in the label files have sound, by the names of the files."""
    root = existing(Path(root))
    wanted = {
        name.decode()
        for file in root.glob("Session*/dialog/EmoEvaluation/*.txt")
        if not file.name.startswith(".")
        for name in NAMED.findall(file.read_bytes())
    }
    files = {name for folder in root.glob("Session*/sentences/wav") for name in sound_files(folder, root)[0]}
    return SoundAtHand(root / "Session*" / "sentences" / "wav", len(wanted), len(wanted & files))


def ratings(root: Path, options: dict) -> pd.DataFrame:
    """Return utterance, rater, kind, valence, arousal, dominance (1 to 5, NaN where not given).

    Args:
        root: The folder that holds the sessions.
        options: As in :func:`read`.
    """
    _, entries, _ = _parse(existing(root), options)
    rows = entries[entries["scale"] == "A"].reset_index(drop=True)
    numbers = rows["text"].str.extract(RATING.pattern).apply(pd.to_numeric, errors="coerce")
    numbers.columns = ["valence", "arousal", "dominance"]
    frame = pd.concat([rows[["utterance", "rater", "kind"]], numbers], axis=1)
    return frame.drop_duplicates(["utterance", "rater"], ignore_index=True)


def _parse(root: Path, options: dict) -> tuple[pd.DataFrame, pd.DataFrame, Rejects]:
    sessions = sorted(path for path in root.iterdir() if path.is_dir() and SESSION.fullmatch(path.name))
    if not sessions:
        nested = [path.name for path in root.iterdir() if path.is_dir() and any(path.glob("Session*/dialog"))]
        remedy = f"the root is its folder {nested[0]}" if nested else "correct the root, or extract the corpus there"
        raise UserError(f"{root}: no folder Session1 ... Session5, but {contents(root)}; {remedy}.")
    full = options.get("release", "full") == "full"
    missing = sorted(set(UTTERANCES_OF_SESSION) - {path.name for path in sessions})
    if full and missing:
        raise UserError(f"{root}: {missing[0]} is missing; extract all of it, or set the corpus' release: part.")
    rejects = Rejects()
    utterances: list[tuple] = []
    votes: list[tuple] = []
    n_dialogues = 0
    for session in sessions:
        files = _label_files(root, session, rejects)
        n_dialogues += len(files)
        first = len(utterances)
        transcripts = _transcripts(root, session, files, rejects)
        folder = session / "sentences" / "wav"
        if not folder.is_dir() and options.get("audio", "required") == "required":
            raise UserError(f"{folder}: missing; extract the sound there, or set the corpus' audio: none.")
        sounds, again = sound_files(folder, root)
        copies = [path for path, _ in again]
        rejects.add(copies, "sound", [f"a second sound; {path} counts" for _, path in again], copies, [0] * len(copies))
        for file in files:
            _read_dialogue(file, session.name, str(file.relative_to(root)), utterances, votes, rejects)
        for i in range(first, len(utterances)):
            name = utterances[i][0]
            expected = str((folder / name.rpartition("_")[0] / f"{name}.wav").relative_to(root))
            sound = sounds.get(name, expected) if folder.is_dir() else None
            utterances[i] = (*utterances[i], sound, transcripts.get(name))
        names = {row[0] for row in utterances[first:]}
        _report_unlabelled(set(sounds), names, str(session.relative_to(root)), rejects)
        lost = UTTERANCES_OF_SESSION.get(session.name, 0) - len(names)
        if full and lost > 0:
            reason = f"{lost} of the session's {lost + len(names)} utterances have no readable label block"
            rejects.add([session.name], "utterance", reason, session.name, [0])
    if full and n_dialogues != DIALOGUES:
        raise UserError(
            f"{root}: {n_dialogues} dialogues instead of {DIALOGUES}; extract all of it, or set its release: part."
        )
    columns = ["utterance", "speaker", "session", "file", "line", "path", "transcript"]
    table = drop_faulty_utterances(pd.DataFrame(utterances, columns=columns), rejects)
    table = table.drop(columns=["file", "line"]).assign(split=None).astype("str").reset_index(drop=True)
    columns = ["scale", "utterance", "rater", "kind", "text", "file", "line"]
    return table, pd.DataFrame(votes, columns=columns).astype(dict.fromkeys(columns[:-1], "str")), rejects


def _label_files(root: Path, session: Path, rejects: Rejects) -> list[Path]:
    """Return the evaluation files of a session; a dialogue known from other files must have one."""
    folder = session / "dialog" / "EmoEvaluation"
    if not folder.is_dir():
        raise UserError(f"{folder}: missing; the corpus is extracted in part only. Extract it again.")
    texts = [path for path in sorted(folder.glob("*.txt")) if not path.name.startswith(".")]
    files = [path for path in texts if DIALOGUE.fullmatch(path.stem)]
    strange = [str(path.relative_to(root)) for path in texts if path not in files]
    rejects.add(strange, "label_file", "not named after a dialogue", strange, [0] * len(strange))
    elsewhere = {path.stem for path in (session / "dialog" / "transcriptions").glob("*.txt")}
    elsewhere |= {path.name for path in (session / "sentences" / "wav").glob("*") if path.is_dir()}
    lost = {name for name in elsewhere if DIALOGUE.fullmatch(name)} - {path.stem for path in files}
    if lost or not files:
        name = min(lost) if lost else "any dialogue"
        raise UserError(f"{folder}: no label file of {name}; the corpus is extracted in part only. Extract it again.")
    return files


def _read_dialogue(path: Path, session: str, source: str, utterances: list, votes: list, rejects: Rejects) -> None:
    """Append the utterances and votes of one evaluation file."""
    lines = read_lines(path)
    current, listed, left_out = "", False, ""
    for number, damaged, line in zip(lines.number.tolist(), lines.damaged, lines.text.to_pylist(), strict=True):
        if not line:  # the end of a block: votes below a damaged header do not belong to the previous utterance
            listed, left_out = False, ""
        if not line or line.startswith("%"):
            continue
        vote = VOTE.fullmatch(line)
        header = HEADER.fullmatch(line)
        if damaged:
            rejects.lines([number], "the line is not UTF-8", source)
        elif header:
            current = header.group(1)
            match = UTTERANCE.fullmatch(current)
            fault = "" if match else "not the id of an IEMOCAP utterance"
            if match and (match.group(1) != path.stem or int(current[3:5]) != int(session.removeprefix("Session"))):
                fault = f"an utterance of another dialogue than {session}/{path.stem}"
            listed, left_out = not fault, current
            if match is None or fault:
                rejects.add([current], "utterance", fault, source, [number])
            else:
                utterances.append((current, f"{current[:5]}{match.group(2)}", session, source, number))
        elif not vote:
            rejects.lines([number], "not in the format of an evaluation file; the line is cut or damaged", source)
        elif not listed:
            stage, item = ("vote", f"{left_out}/{vote.group(2)}") if left_out else ("label_file", f"{source}:{number}")
            if vote.group(1) == "C":
                rejects.add([item], stage, "its utterance was left out or is not named above", source, [number])
        else:
            rater = vote.group(2).lower()
            kind = "observer" if rater.startswith("e") else "self"
            rater = rater if kind == "observer" else f"{current[:5].lower()}_{rater}"
            votes.append((vote.group(1), current, rater, kind, vote.group(3), source, number))


def _transcripts(root: Path, session: Path, files: list[Path], rejects: Rejects) -> dict[str, str]:
    """Return {utterance: text}; lines without the id of a labelled turn belong to no utterance."""
    folder = session / "dialog" / "transcriptions"
    texts: dict[str, str] = {}
    for file in files if folder.is_dir() else ():
        path = folder / file.name
        source = str(path.relative_to(root))
        if not path.is_file():
            rejects.add([source], "transcript", "the transcription is missing", source, [0])
            continue
        lines = read_lines(path)
        for number, damaged, line in zip(lines.number.tolist(), lines.damaged, lines.text.to_pylist(), strict=True):
            turn = TURN.fullmatch(line)
            if damaged:
                rejects.add([f"{source}:{number}"], "transcript", "the line is not UTF-8", source, [number])
            elif turn and turn.group(1) in texts and texts[turn.group(1)] != turn.group(2):
                rejects.add([turn.group(1)], "transcript", "a second text; the first counts", source, [number])
            elif turn and turn.group(2):
                texts[turn.group(1)] = turn.group(2)
            elif not turn and (named := UTTERANCE.match(line)):
                reason = "not `id [start-end]: text`; the line is cut or damaged"
                rejects.add([named.group()], "transcript", reason, source, [number])
    return texts


def _report_unlabelled(sounds: set[str], names: set[str], source: str, rejects: Rejects) -> None:
    """Reject sound of utterances without a readable label block, as results from a truncated label file."""
    sounds = {name for name in sounds if UTTERANCE.fullmatch(name)} - names
    rejects.add(sorted(sounds), "utterance", "sound without a readable label block", source, [0] * len(sounds))

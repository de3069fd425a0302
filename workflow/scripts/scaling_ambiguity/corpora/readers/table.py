"""Reader of any corpus that comes as two tables, CSV, TSV or parquet: one of utterances, one of votes.

The names of their columns are given in the configuration. Without a column for the rater, votes are anonymous.
"""

from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.accounting import rejects
from scaling_ambiguity.corpora.csv_file import LINE, read_csv
from scaling_ambiguity.corpora.identifiers import rater_names, unsafe, whole_numbers
from scaling_ambiguity.corpora.label_words import canonical_labels
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.paths import inside
from scaling_ambiguity.corpora.row_faults import first_fault, lost_rows, repeated
from scaling_ambiguity.corpora.sound_files import SoundAtHand, present
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_parquet

UTTERANCE_COLUMNS = {"utterance": True, "speaker": True}  # whether the column is required
UTTERANCE_COLUMNS |= dict.fromkeys(["session", "split", "path", "duration", "transcript"], False)
VOTE_COLUMNS = {"utterance": True, "label": True}
VOTE_COLUMNS |= dict.fromkeys(["rater", "presentation", "kind", "role", "rank"], False)
PRESENTATIONS = ["voice", "face", "audiovisual"]
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
REMEDY = "correct the file, or correct `utterances`, `votes` and `columns` in its entry"


def read(root: Path, options: dict) -> Corpus:
    """Return the corpus unmodified.

    Args:
        root: Folder of the corpus.
        options: The corpus' entry. ``utterances`` and ``votes`` are files below ``root``; ``columns`` is {our name:
            name in the file}, where the two differ. Utterances have ``utterance`` and ``speaker``, and perhaps
            session, split, path (of the sound, relative to ``root``), duration (s) and transcript; they may be in the
            file of the votes, repeated with each vote. Votes have ``utterance`` and ``label``, and perhaps rater,
            presentation, kind (observer, self), role (primary, secondary) and rank. Of several presentations the one
            in ``presentation`` is read. A rater with several labels needs a rank; each then weighs 1 / their number.

    Raises:
        UserError: A file or column is missing, or a file cannot be read.
    """
    root, columns = Path(root), options.get("columns") or {}
    unknown = sorted(set(columns) - set(UTTERANCE_COLUMNS) - set(VOTE_COLUMNS))
    if unknown:
        raise UserError(
            f"corpora: columns has no {unknown[0]!r}; it maps {sorted(UTTERANCE_COLUMNS)} and {sorted(VOTE_COLUMNS)}."
        )
    presentation = options.get("presentation", PRESENTATIONS[0])
    if presentation not in PRESENTATIONS:
        raise UserError(f"corpora: presentation {presentation!r} is unknown; it is one of {PRESENTATIONS}.")
    utterances, lost = _utterances(root, options, columns)
    votes, lost_votes = _votes(root, options, columns, presentation)
    return Corpus(utterances, votes, pd.concat([lost, lost_votes], ignore_index=True))


def sound_at_hand(root: Path, options: dict) -> SoundAtHand:
    """Return how many of the utterances have sound, by their paths in the table."""
    root = Path(root)
    rows, _, source = _load(root, options, "utterances", UTTERANCE_COLUMNS, options.get("columns") or {})
    named = rows["path"].to_numpy(object) if "path" in rows else np.full(len(rows), "", dtype=object)
    paths = np.array([path if path.strip() and not _leads_out(path) else None for path in named], dtype=object)
    first = next((path for path in paths if path), None)
    folder = (root / first).parent if first else root / f"{source} (its column path)"
    return SoundAtHand(folder, len(rows), int(present(paths, root).sum()))


def _load(
    root: Path, options: dict, which: str, wanted: dict[str, bool], columns: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return (rows as text under our names, rejects, file): optional columns may be missing."""
    relative = options.get(which)
    if not relative:
        raise UserError(f"corpora: the reader table needs `{which}`, a CSV, TSV or parquet file below {root}.")
    path = inside(root, str(relative), f"corpora, {which}")
    if path.suffix.lower() == ".parquet":
        rows, lost = _parquet(path), rejects([])
    elif path.suffix.lower() in DELIMITERS:
        delimiter = DELIMITERS[path.suffix.lower()]
        rows, lost = read_csv(path, [], REMEDY, root=root, line_breaks=True, delimiter=delimiter)
    else:
        raise UserError(f"{path}: is neither .csv, .tsv, .txt nor .parquet; {REMEDY}.")
    names = {name: columns.get(name) or name for name in wanted}
    absent = [own for name, own in names.items() if own not in rows and (wanted[name] or columns.get(name))]
    if absent:
        shown = [column for column in rows if column != LINE][:12]
        raise UserError(f"{path}: no column {absent[0]!r}, it has {shown}; {REMEDY}.")
    picked = {name: rows[own] for name, own in names.items() if own in rows}
    for name in {"utterance", "speaker", "rater"} & set(picked):
        picked[name] = whole_numbers(picked[name])
    return pd.DataFrame(picked | {LINE: rows[LINE]}), lost, str(PurePosixPath(relative))


def _parquet(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: not readable (no such file); {REMEDY}.")
    rows = read_parquet(path, dtype_backend="pyarrow")
    try:
        text = pd.DataFrame({column: rows[column].astype("str").fillna("") for column in rows}, dtype="str")
    except (ValueError, TypeError, NotImplementedError) as error:
        raise UserError(f"{path}: a column is neither text nor numbers ({error}); {REMEDY}.") from error
    text = text.assign(**{LINE: np.arange(1, len(rows) + 1)})
    return text[~(text.drop(columns=LINE) == "").all(axis=1)].reset_index(drop=True)


def _utterances(root: Path, options: dict, columns: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, lost, source = _load(root, options, "utterances", UTTERANCE_COLUMNS, columns)
    if options.get("votes") == options.get("utterances"):  # one file of votes that names the speakers
        rows = rows.drop_duplicates([name for name in UTTERANCE_COLUMNS if name in rows]).reset_index(drop=True)
    optional = [name for name, needed in UTTERANCE_COLUMNS.items() if not needed]
    rows = rows.assign(**{name: "" for name in optional if name not in rows})
    rows["utterance"] = rows["utterance"].str.strip()
    rows["speaker"] = rows["speaker"].str.strip()
    decimal = rows["duration"].str.strip().str.replace(r"^(\d+),(\d+)$", r"\1.\2", regex=True)
    duration = pd.to_numeric(decimal, errors="coerce")
    wrong_duration = (rows["duration"].str.strip() != "") & ~((duration > 0) & (duration < np.inf))
    reason = first_fault(
        [
            (rows["utterance"] == "", "the utterance has no name"),
            (unsafe(rows["utterance"]), "the name may hold only letters, digits and _.- , and no `..`"),
            (rows["speaker"] == "", "the speaker is missing"),
            (wrong_duration, "the duration is not a positive number"),
            (rows["path"].map(_leads_out).astype(bool), "the path leads out of the corpus' root"),
        ],
        len(rows),
    )
    content = [name for name in UTTERANCE_COLUMNS if name != "utterance"]
    reason = repeated(rows, ["utterance"], content, reason, "the utterance")
    lost = pd.concat([lost, lost_rows(rows, reason, rows["utterance"], source, "utterance")], ignore_index=True)
    kept, duration = rows[pd.isna(reason)].reset_index(drop=True), duration[pd.isna(reason)].reset_index(drop=True)
    for name in ("session", "split", "path", "transcript"):
        kept[name] = kept[name].mask(kept[name].str.strip() == "").astype("str")
    kept["duration"] = duration.astype(float)
    kept["sample_rate"] = pd.array([None] * len(kept), dtype="Int64")
    return kept[["utterance", "speaker", "session", "split", "path", "duration", "sample_rate", "transcript"]], lost


def _leads_out(path: str) -> bool:
    return path.startswith(("/", "\\")) or ".." in PurePosixPath(path).parts or "\0" in path


def _refuse_other_presentations(shown: pd.Series, presentation: str, path: Path) -> None:
    """Raise UserError if no vote has the requested presentation."""
    if shown.empty or (shown == presentation).any():
        return
    strange = shown[~shown.isin(PRESENTATIONS)]
    if len(strange):
        raise UserError(
            f"{path}: presentation is none of {', '.join(PRESENTATIONS)} ({len(strange)} votes, e.g. "
            f"{strange.iloc[0]!r}); write one of them, or name no such column."
        )
    there = ", ".join(f"{name} ({number})" for name, number in shown.value_counts().items())
    raise UserError(f"{path}: no vote by {presentation}, but by {there}; set the corpus' `presentation`.")


def _votes(root: Path, options: dict, columns: dict[str, str], presentation: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, lost, source = _load(root, options, "votes", VOTE_COLUMNS, columns)
    has_raters = "rater" in rows
    for name, default in {"presentation": presentation, "kind": "observer", "role": "primary", "rank": "0"}.items():
        rows[name] = rows[name].str.strip().str.lower() if name in rows else default
    _refuse_other_presentations(rows["presentation"], presentation, root / source)
    rows = rows[(rows["presentation"] == presentation) | ~rows["presentation"].isin(PRESENTATIONS)]
    rows = rows.reset_index(drop=True)
    rows["utterance"] = rows["utterance"].str.strip()
    rank = pd.to_numeric(rows["rank"], errors="coerce")
    label = canonical_labels(rows["label"])
    faults = [
        (rows["utterance"] == "", "the vote names no utterance"),
        (label == "", "the vote has no label"),
        (~rows["presentation"].isin(PRESENTATIONS), f"presentation is none of {', '.join(PRESENTATIONS)}"),
        (~rows["kind"].isin(["observer", "self"]), "kind is neither observer nor self"),
        (~rows["role"].isin(["primary", "secondary"]), "role is neither primary nor secondary"),
        (~((rank >= 0) & (rank < 1000) & (rank == np.floor(rank))), "rank is not a whole number from 0"),
    ]
    if has_raters:
        faults.append((rows["rater"].str.strip() == "", "the rater has no name"))
    reason = first_fault(faults, len(rows))
    rows["rank"] = rank.fillna(0).astype("int64")
    if has_raters:
        rows["rater"] = rater_names(rows["rater"])
        sound = rows[pd.isna(reason)]
        again = sound.index[sound.duplicated(["utterance", "rater", "rank"])]
        reason[again] = "the rater has voted on this utterance before"
    items = source + ":" + rows[LINE].astype("str")
    lost = pd.concat([lost, lost_rows(rows, reason, items, source, "vote")], ignore_index=True)
    kept = rows[pd.isna(reason)].reset_index(drop=True)
    if not has_raters:
        kept["rater"] = kept["utterance"] + "#" + kept.groupby("utterance").cumcount().astype("str")
    voter = [kept["utterance"], kept["rater"], kept["role"]]
    return (
        pd.DataFrame(
            {
                "utterance": kept["utterance"],
                "presentation": presentation,
                "rater": kept["rater"].astype("str"),
                "kind": kept["kind"].astype("str"),
                "role": kept["role"].astype("str"),
                "rank": kept["rank"],
                "label": label[pd.isna(reason)].array,
                "label_raw": kept["label"],
                "weight": 1.0 / kept.groupby(voter)["label"].transform("size"),
                "raters_known": has_raters,
            }
        ),
        lost,
    )


def load_table(path: Path, wanted: dict[str, bool], columns: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return (rows as text under our names, with their lines; rejects; file) of one table, not necessarily of a corpus.

    Args:
        path: CSV, TSV or parquet.
        wanted: {our column: whether the column is required}.
        columns: {our column: column of the file}, where the two differ.

    Raises:
        UserError: The file cannot be read, or lacks a column.
    """
    return _load(path.parent, {"votes": path.name}, "votes", wanted, columns)

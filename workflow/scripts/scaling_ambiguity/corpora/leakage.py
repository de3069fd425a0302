"""Which test items a training part has already seen: the same sound, the same speaker, the same words."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.pinned_files import read_pins
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_parquet

KINDS = ("audio", "speaker", "transcript")
PARTS = ("train", "validation", "test")
COLUMNS = ["fold", "kind", "value", "across", *PARTS, "examples"]
EXAMPLES = 5  # sets that a count lists as examples


def read_hashes(paths: list[Path], utterances: pd.DataFrame) -> pd.Series:
    """Return the SHA-256 of each utterance's audio by utterance, from tables of hashes.

    Each table is a pinned list of files (:func:`pinned_files.read_pins`), or a parquet with a column
    ``sha256`` and one of ``utterance`` or ``path``; of a path, the name without its ending is the
    utterance. Utterances that are not in the tables have none; rows of other utterances are ignored.

    Raises:
        UserError: A table without these columns, or two hashes for one utterance.
    """
    tables = []
    for path in paths:
        table = read_parquet(path) if path.suffix == ".parquet" else read_pins(path)
        if "sha256" not in table or not {"utterance", "path"} & set(table.columns):
            raise UserError(f"{path}: expected the columns sha256 and utterance or path; found {list(table.columns)}.")
        if "utterance" not in table:
            table["utterance"] = table["path"].str.rsplit("/", n=1).str[-1].str.rsplit(".", n=1).str[0]
        tables.append(table[["utterance", "sha256"]].dropna())
    hashes = pd.concat(tables, ignore_index=True).drop_duplicates()
    if hashes["utterance"].duplicated().any():
        item = hashes.loc[hashes["utterance"].duplicated(), "utterance"].iloc[0]
        raise UserError(f"{', '.join(map(str, paths))}: two hashes for {item}; build the tables again.")
    return hashes[hashes["utterance"].isin(utterances["utterance"])].set_index("utterance")["sha256"]


def decoded_hashes(utterances: pd.DataFrame) -> pd.Series | None:
    """Return the SHA-256 of each utterance's audio by utterance as determined by the full decode, or None."""
    if "sha256" not in utterances or utterances["sha256"].isna().all():
        return None
    return utterances.set_index("utterance")["sha256"].dropna()


def find_leaks(parts: pd.DataFrame, utterances: pd.DataFrame, sha256: pd.Series | None = None) -> pd.DataFrame:
    """Return one row for each fold and each sound, speaker or transcript that is in several parts.

    Byte-identical sounds are reported wherever they are, ``across`` false where one part holds them
    all; for speakers and transcripts only values across parts give a row. Transcripts are compared
    in lower case with single spaces; utterances without one are not compared.

    Args:
        parts: Splits table: utterance, fold, part.
        utterances: Utterances table: utterance, speaker, transcript.
        sha256: Hash of the audio by utterance, or None.

    Returns:
        fold, kind (audio, speaker, transcript), value, across, the utterances in train, validation
        and test, and examples: the first utterance of each part that has one.
    """
    values = _values(utterances, sha256)
    leaks = [_shared(parts, values[["utterance", kind]].dropna(), kind) for kind in KINDS]
    return pd.concat(leaks, ignore_index=True)[COLUMNS].sort_values(["fold", "kind", "examples"], ignore_index=True)


def _values(utterances: pd.DataFrame, sha256: pd.Series | None) -> pd.DataFrame:
    """Return utterance and its compared values, one column per kind; unknown values are missing."""
    words = utterances["transcript"].astype("str").str.lower().str.replace(r"\s+", " ", regex=True).str.strip()
    values = pd.DataFrame({"utterance": utterances["utterance"], "speaker": utterances["speaker"]})
    values["transcript"] = words.mask(words == "")
    values["audio"] = None if sha256 is None else values["utterance"].map(sha256)
    return values


def _shared(parts: pd.DataFrame, values: pd.DataFrame, kind: str) -> pd.DataFrame:
    values = values[values[kind].duplicated(keep=False)]
    rows = parts.merge(values, on="utterance").sort_values(["fold", kind, "utterance"], kind="stable")
    if rows.empty:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS})
    counts = rows.groupby(["fold", kind, "part"])["utterance"].agg(["size", "first"]).unstack("part")
    sizes = counts["size"].reindex(columns=list(PARTS)).fillna(0).astype(int)
    across = (sizes > 0).sum(axis=1) > 1
    chosen = across | (kind == "audio")
    table = sizes[chosen].assign(across=across[chosen], kind=kind)
    if kind == "audio":
        names = rows.groupby(["fold", kind])["utterance"].agg(" ".join)
        table["examples"] = names[chosen]
    else:
        first = counts["first"].reindex(columns=list(PARTS))[chosen]
        table["examples"] = [
            "" if row is None else " ".join(x for x in row if isinstance(x, str)) for row in first.to_numpy(object)
        ]
    return table.reset_index().rename(columns={kind: "value"})


def count_leaks(
    leaks: pd.DataFrame, parts: pd.DataFrame, utterances: pd.DataFrame, sha256: pd.Series | None = None
) -> pd.DataFrame:
    """Return one row for each fold and kind: what was compared, what is shared, and the test items affected.

    Args:
        leaks: What :func:`find_leaks` found in the other arguments.
        parts: Splits table: utterance, fold, part.
        utterances: Utterances table: utterance, speaker, transcript.
        sha256: Hash of the audio by utterance, or None.

    Returns:
        fold, kind; compared: utterances of the fold with a value of that kind, so that 0 means
        "not looked for" and not "nothing found"; sets: rows of ``leaks``; across: those in several
        parts; test: test utterances whose value is in training or validation too; examples: those
        of the first five sets, joined by ``; ``.
    """
    values = _values(utterances, sha256)
    rows = []
    for fold, part in parts.groupby("fold", sort=True):
        inside = values[values["utterance"].isin(part["utterance"])]
        for kind in KINDS:
            rows_of_kind = leaks[(leaks["fold"] == fold) & (leaks["kind"] == kind)]
            seen = rows_of_kind[(rows_of_kind["train"] + rows_of_kind["validation"]) > 0]
            counts = (
                int(inside[kind].notna().sum()),
                len(rows_of_kind),
                int(rows_of_kind["across"].sum()),
                int(seen["test"].sum()),
            )
            rows.append((fold, kind, *counts, "; ".join(rows_of_kind["examples"].head(EXAMPLES))))
    return pd.DataFrame(rows, columns=["fold", "kind", "compared", "sets", "across", "test", "examples"])


def refuse_shared_speakers(leaks: pd.DataFrame, scheme: str, alone: Collection[int] = ()) -> None:
    """Raise UserError if a speaker is in several parts of a fold; a random split is allowed to.

    In the folds ``alone``, with a single speaker left to train and validate on, the two parts may share that speaker.
    """
    shared = leaks[leaks["kind"] == "speaker"]
    shared = shared[~shared["fold"].isin(list(alone)) | (shared["test"] > 0)]
    if scheme != "random" and len(shared):
        first = shared.iloc[0]
        numbers = ", ".join(f"{first[part]} in {part}" for part in PARTS)
        raise UserError(
            f"{len(shared)} speakers are in several parts, e.g. {first['value']} in fold {first['fold']} ({numbers}: "
            f"{first['examples']}); use a scheme that keeps speakers together, or scheme: random to allow it."
        )


def summary(leaks: pd.DataFrame) -> list[str]:
    """Return one line for each kind of leak: how many values are in several parts, and of which utterances."""
    lines = []
    for kind in KINDS:
        rows = leaks[leaks["kind"] == kind]
        across = rows[rows["across"].astype(bool)]
        if kind == "audio" and len(rows):
            sets = rows.drop_duplicates("value")["examples"].tolist()
            lines.append(f"audio: {len(sets)} sets of byte-identical files: {'; '.join(sets[:5])}")
        if len(across):
            folds = across["fold"].nunique()
            lines.append(f"{kind}: {across['value'].nunique()} in several parts (in {folds} folds)")
    return lines or ["no sound, speaker or transcript is in several parts"]

"""What a reader sees of the two documents: their length, gaps on their pages, and what follows the references."""

import re
import subprocess
from pathlib import Path

import numpy as np

FLOAT = re.compile(r"^(?:Fig\. \d+\.|TABLE [IVXL]+$|(?:Figure|Table) S\d+:)", re.MULTILINE)
REFERENCES = re.compile(r"^R ?EFERENCES$", re.MULTILINE | re.IGNORECASE)
LEAST_FULL = 0.5  # of the height of a page but the last
LARGEST_GAP = 0.35  # of the height of a page without ink
TEXT = slice(0.06, 0.93)  # heights between the margins, the number of the page left out


def texts_of(pdf: Path) -> list[str]:
    """Return the text of every page."""
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
    return text.removesuffix("\f").split("\f")


def ink_of(pdf: Path) -> list[np.ndarray]:
    """Return for every page whether its pixels are printed, (height, width), between its margins."""
    raw = subprocess.run(["pdftoppm", "-r", "30", "-gray", pdf], capture_output=True, check=True).stdout
    pages = []
    while raw:
        _, size, _, rest = raw.split(b"\n", 3)
        width, height = map(int, size.split())
        image = np.frombuffer(rest[: width * height], np.uint8).reshape(height, width)
        pages.append(image[int(TEXT.start * height) : int(TEXT.stop * height)] < 200)
        raw = rest[width * height :]
    return pages


def gap_and_fill(ink: np.ndarray) -> tuple[float, float]:
    """Return the largest run of rows without ink above the last printed one, and the place of that, in heights."""
    printed = np.flatnonzero(ink.any(axis=1))
    if not len(printed):
        return 1.0, 0.0
    gaps = np.diff(np.concatenate([[-1], printed])) - 1
    return gaps.max() / len(ink), (printed[-1] + 1) / len(ink)


def check_pages(folder: Path) -> None:
    """Check main.pdf and supplement.pdf in ``folder``: the budget of pages, no gaps, no float after the references."""
    texts = texts_of(folder / "main.pdf")
    (start,) = (number for number, text in enumerate(texts, 1) if REFERENCES.search(text))
    assert start <= 4 and len(texts) <= 5, f"the text ends on page {start} of {len(texts)}"
    for name, columns in (("main.pdf", 2), ("supplement.pdf", 1)):
        texts, pages = texts_of(folder / name), ink_of(folder / name)
        assert len(texts) == len(pages) and not any("??" in text for text in texts)
        (start,) = (number for number, text in enumerate(texts) if REFERENCES.search(text))
        after = [REFERENCES.split(texts[start])[1], *texts[start + 1 :]]
        assert [FLOAT.findall(text) for text in after] == [[]] * len(after), name
        for number, page in enumerate(pages[:-1], 1):
            for column in np.array_split(page, columns, axis=1):
                gap, fill = gap_and_fill(column)
                assert gap <= LARGEST_GAP and fill >= LEAST_FULL, f"{name}, page {number}: {gap:.2f}, {fill:.2f}"

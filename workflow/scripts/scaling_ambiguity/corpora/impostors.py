"""Files that are not what their name says: a Git-LFS pointer or a web page in place of data."""

LONGEST_HEAD = 512
_POINTER = b"version https://git-lfs"
_PAGES = (b"<!doctype html", b"<html", b"<?xml")


def impostor(head: bytes) -> str | None:
    """Return what a file really is, ``a Git-LFS pointer`` or ``a web page``, from its first bytes; None for data.

    A pointer is the small text that a clone without git-lfs leaves in place of a file; a page is
    what a server sends with status 200 when it wants a login or a quota is used up.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[: len(_POINTER)].lower()
    if start.startswith(_POINTER):
        return "a Git-LFS pointer"
    return "a web page" if start.startswith(_PAGES) else None

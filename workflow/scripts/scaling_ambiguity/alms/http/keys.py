"""The key of a server: taken from the environment and never shown."""

import os
import re

from scaling_ambiguity.errors import UserError

_SHOWN = "[key]"
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


class Key:
    """A secret that always prints as ``[key]``; only :meth:`header` reveals it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _SHOWN

    def __reduce__(self) -> tuple:
        raise TypeError("a key is not written anywhere")

    def header(self) -> dict[str, str]:
        """Return the header that carries the key; none if there is no key."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def redact(self, text: str) -> str:
        """Return ``text`` with every occurrence of the key replaced: servers quote it in their errors."""
        return text.replace(self._value, _SHOWN) if self._value else text


def read_key(variable: str | None) -> Key:
    """Return the key in an environment variable; no key if no variable is given.

    Raises:
        UserError: The variable is not set, or what it holds cannot be sent in a header. The
            message never quotes a value, nor a name that might be a key put in the wrong place.
    """
    if variable is None:
        return Key("")
    if not isinstance(variable, str) or not _NAME.fullmatch(variable):
        raise UserError(
            "alms entry: `key_env` has to be the name of an environment variable (capitals, digits, underscores), "
            "not the key itself. If a key was written there, remove it and revoke that key."
        )
    value = os.environ.get(variable, "")
    if not value:
        raise UserError(f"environment variable {variable}: not set; `export {variable}=...` the key and run again.")
    # http.client would quote such a value in its error
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise UserError(
            f"environment variable {variable}: holds white space or characters outside ASCII; "
            "export the key alone, without quotes or a line end."
        )
    if len(value) < 8:
        raise UserError(f"environment variable {variable}: {len(value)} characters are too short for a key.")
    return Key(value)

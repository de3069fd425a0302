"""A corpus on disk, read into tables; nothing is dropped without a recorded reason."""

import importlib
from types import ModuleType

from scaling_ambiguity.errors import UserError

LARGEST_REJECT_SHARE = 0.02  # of utterances, or of votes, that may be unusable before reading stops


def module_of(room: str, reader: str, otherwise: str) -> ModuleType:
    """Return the module of a reader in a room below this one, ``readers`` or ``dialogues``.

    Raises:
        UserError: There is no such module; the message is ``otherwise``.
    """
    name = f"{__name__}.{room}.{reader}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:  # it is there, and what it imports is not
            raise
        raise UserError(otherwise) from None

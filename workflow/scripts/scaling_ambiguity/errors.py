"""One exception for everything a user can correct."""


class UserError(Exception):
    """A fault in the input or set-up, not in the code.

    The message names the file, the item in it and the remedy; the command-line
    programs print it alone, without a traceback, and exit with status 1.
    """

"""Typed settings: a part of the configuration as one frozen object, read once; faults name the key."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from scaling_ambiguity.errors import UserError


class Settings(BaseModel):
    """Base of all typed settings: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, value: Any, where: str) -> Self:
        """Return the settings that ``value`` describes.

        Args:
            value: A dict as the configuration holds it.
            where: Its name for the user, e.g. ``finetuning``; it begins the message.

        Raises:
            UserError: A key is missing, unknown or holds what is not accepted; all such keys are named.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise UserError("; ".join(_fault(one, where) for one in error.errors())) from error


def _fault(error: Any, where: str) -> str:
    place = ".".join([where, *map(str, error["loc"])])
    if error["type"] == "extra_forbidden":
        return f"{place} is unknown; remove it or correct its name"
    if error["type"] == "missing":
        return f"{place} is missing"
    reason = error["msg"].removeprefix("Value error, ")
    return reason if error["type"] == "value_error" else f"{place} = {error['input']!r} is not accepted: {reason}"

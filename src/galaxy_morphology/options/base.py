"""Parameters with types: unknown names and impossible values fail before anything runs."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model


class Options(BaseModel):
    """Typed parameters: unknown names and impossible values fail before anything runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def options_of(function: Callable[..., Any], *, but: tuple[str, ...] = ()) -> type[Options]:
    """Typed parameters for the keyword arguments of a function, as it hints and defaults them.

    Args:
        function: Its hints say what values each argument may have.
        but: Arguments that are set elsewhere.
    """
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], parameter.default)
        for name, parameter in signature(function).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name not in but
    }
    return create_model(function.__name__, __base__=Options, **fields)

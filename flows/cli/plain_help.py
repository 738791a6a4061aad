"""How `--help` looks: texts as they are written, defaults in one form, and no type beside a switch.

Typer renders help with Rich, which takes `[atlas]` for markup and leaves it out, and prints the sign by which Click
kept lines apart. Both classes hand over what Typer then prints as it was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import typer
from rich.markup import escape
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_KEEP_LINES = "\b\n"

Command = TypeVar("Command", bound=Callable[..., Any])


class PlainCommand(TyperCommand):
    """A command whose help is printed as it is written."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, **_plain(settings))

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, that of `--help` included."""
        return _without_switch_types(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of commands whose help is printed as it is written."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**_plain(settings))

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, that of `--help` included."""
        return _without_switch_types(super().get_params(ctx))


class CommandGroup(typer.Typer):
    """A group of such commands; they are added as with Typer."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=PlainGroup, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Command], Command]:
        """Add a command."""
        return super().command(name, cls=PlainCommand, **settings)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a command, with texts that Rich prints as they are."""
    for parameter in settings.get("params") or ():
        if isinstance(parameter, TyperOption | TyperArgument):
            _write_default(parameter)
            parameter.help = escape(parameter.help or "")
    help_text = (settings.get("help") or "").replace(_KEEP_LINES, "")
    return {**settings, "help": escape(help_text)}


def _write_default(parameter: TyperOption | TyperArgument) -> None:
    """Put a default that is told in words behind the help; Typer would print it in two pairs of brackets."""
    if isinstance(parameter.show_default, str):
        parameter.help = f"{parameter.help or ''} [default: {parameter.show_default}]"
        parameter.show_default = False


def _without_switch_types(parameters: Iterable[Any]) -> list[Any]:
    """The parameters; one that is there or not has no value, so that nothing stands in place of its type."""
    found = list(parameters)
    for parameter in found:
        if isinstance(parameter, TyperOption) and parameter.is_bool_flag:
            parameter.metavar = ""
    return found

"""Commands that are imported when they are called: a list of them needs only the first lines of their help."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer

from flows.cli.plain_help import CommandGroup, PlainCommand, PlainGroup


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command, or a group of them: its name, the module that has a function or `Typer` of it, and what it does.

    `help` is the first paragraph of its help, as lists of commands show it.
    """

    name: str
    module: str
    help: str
    panel: str | None = None


class LazyGroup(PlainGroup):
    """A group whose commands are entries until one of them is called. A class below it has the `entries`."""

    entries: ClassVar[tuple[CommandEntry, ...]] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in self.entries:
            self.add_command(
                PlainCommand(entry.name, help=entry.help, rich_help_panel=entry.panel), entry.name
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, imported."""
        name, entry, rest = super().resolve_command(ctx, args)
        return name, entry and self.loaded(entry.name or ""), rest

    def loaded(self, name: str) -> Any:
        """A command itself, not its entry; one that was added without an entry as it is."""
        entry = next((entry for entry in self.entries if entry.name == name), None)
        if entry is None:
            return self.commands[name]
        found, holder = getattr(import_module(entry.module), name), CommandGroup()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name)(found)
        return typer.main.get_group(holder).commands[name]

"""The command tree; a command's module is imported when it runs, so that ``--help`` stays quick."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from churnguard_cli.exits import EXIT_CODES

COMMANDS: Final = {
    "validate": "Name every wrong field of ChurnModel files.",
    "seed": "Write simulated customers to a CSV file.",
    "train": "Train a ChurnModel here, as its Job would on a cluster.",
    "up": "Train a ChurnModel and serve it here.",
    "predict": "Ask a running server for risks.",
    "explain": "Ask a running server for risks and their reasons.",
    "bundle": "Read and verify trained bundles.",
}


class LazyGroup(click.Group):
    """A group whose commands are attributes of modules in ``churnguard_cli.commands`` with their names."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands, in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"churnguard_cli.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="churnguard-cli", message="%(prog)s %(version)s")
def application() -> None:
    """Churn models without a cluster: train, serve and ask them on this machine.

    Results go to standard output, progress and messages to standard error. NO_COLOR is honoured.
    """

"""Taking events while something else is done, told on the screen."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable
from typing import Final, NoReturn

import click

from churnguard_cli import messages
from churnguard_cli.events.errors import CannotTakeEvents
from churnguard_cli.events.intake import Intake, Settings, taking_events
from churnguard_cli.events.keys import WRITE_KEY
from churnguard_cli.exits import FAILED, OK
from churnguard_cli.ports import typed_url
from churnguard_cli.server_log import Entry
from churnguard_cli.signals import Interrupted, interrupting_signals

EVENT: Final = '{"userId":"u_42","event":"Product Added","properties":{"cart_id":"c1","value":30}}'
QUERY: Final = "SELECT received_at, subject, name, properties FROM churnguard.events ORDER BY 1 DESC LIMIT 5"


def while_taking_events(settings: Settings, work: Callable[[], int]) -> int:
    """Take events while ``work`` runs; its exit code, or that of what went wrong with events."""
    intake: Intake | None = None
    with interrupting_signals() as interruption:
        try:
            with taking_events(settings, interruption=interruption, on_entry=_show) as intake:
                _say_ready(intake, host=settings.host)
                code = work()
        except Interrupted as interrupted:
            code = _report_interrupted(interrupted.signum, intake=intake)
        except CannotTakeEvents as problem:
            messages.error(str(problem))
            if problem.hint:
                messages.hint(problem.hint)
            return FAILED
    if intake is not None and (child := intake.ended_by_itself()) is not None:
        messages.error(f"{child.name} ended by itself ({child.how_it_ended()}); everything was stopped")
        return FAILED
    return code


def until_a_signal() -> NoReturn:
    """Wait for what ends it."""
    while True:
        signal.pause()


def _report_interrupted(signum: int, *, intake: Intake | None) -> int:
    if intake is not None:
        messages.note("stopped")
        return OK
    messages.error(f"stopped by {signal.Signals(signum).name}; no events were taken yet")
    return 128 + signum


def _say_ready(intake: Intake, *, host: str) -> None:
    url = typed_url(host, intake.port)
    messages.note(f"events are taken on http://{url}; Ctrl-C ends it. Send one, and look at it:\n")
    click.echo(f"curl -u {WRITE_KEY}: {url}/v1/track -d {shlex.quote(EVENT)}")
    click.echo(f"{intake.client} -c {shlex.quote(QUERY)}")
    messages.note("")


def _show(name: str, entry: Entry) -> None:
    if not entry.level:
        messages.note(entry.text())
    elif entry.level == "warning":
        messages.warning(f"{name}: {entry.text()}")
    else:
        messages.error(f"{name}: {entry.text()}")

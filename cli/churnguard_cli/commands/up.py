"""``churnguard up``."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES, FAILED, OK, REFUSED, how_it_ended
from churnguard_cli.ports import problem_with, typed_url

if TYPE_CHECKING:
    from churnguard_cli.events.intake import Settings
    from churnguard_cli.server_log import Entry
    from churnguard_cli.server_program import Ended, Service
    from churnguard_cli.store import Stored
    from churnguard_core.churnmodel.types import ChurnModel

_PORT = click.IntRange(0, 65535)
_EVENTS: Final = "_events"
"""Beside the folders of bundles, which are called by namespaces: none has an underscore in its name."""


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Learn from this CSV or Parquet file instead of spec.data.source.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("store"),
    show_default=True,
    help="Folder of bundles, and of events.",
)
@click.option("--port", type=_PORT, default=8080, show_default=True, help="Port of HTTP; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--grpc-port", type=_PORT, help="Port of gRPC.  [default: no gRPC]")
@click.option("--retrain", is_flag=True, help="Train even if neither customers nor ChurnModel changed.")
@click.option("--events", is_flag=True, help="Take events as well, or alone when there is no FILE.")
@click.option(
    "--events-port", type=_PORT, default=8081, show_default=True, help="Port of events; 0 takes a free one."
)
def up(
    *,
    file: Path | None,
    data: Path | None,
    output: Path,
    port: int,
    host: str,
    grpc_port: int | None,
    retrain: bool,
    events: bool,
    events_port: int,
) -> int:
    """Train the ChurnModel of FILE and serve it on this machine.

    It trains as `churnguard train` does, unless customers and ChurnModel are those of an earlier time; a change of
    spec.serving never trains. A revision whose gates held is served until Ctrl-C or SIGTERM. If a gate failed, the
    newest revision whose gates held is served instead.

    With --events, the collector takes events and keeps them in a PostgreSQL of its own, whose data stay in the folder
    of --output; or in that of DATABASE_URL, by way of Kafka if KAFKA_BOOTSTRAP names it.
    """
    # Imported late: --help needs none of it.
    from churnguard_cli.training import read_model

    if file is None:
        _check_events_alone(events=events, others=[data, grpc_port, retrain])
        _check_ports(host, {"--events-port": events_port})
        return _take_events(_settings(output, host=host, port=events_port), work=None)
    model = read_model(file, data=data)
    ports = {"--port": port, "--grpc-port": grpc_port, "--events-port": events_port if events else None}
    _check_ports(host, {option: number for option, number in ports.items() if number is not None})

    def serve() -> int:
        return _serve(
            model, store=output.absolute(), host=host, port=port, grpc_port=grpc_port, retrain=retrain
        )

    return _take_events(_settings(output, host=host, port=events_port), work=serve) if events else serve()


def _serve(
    model: ChurnModel, *, store: Path, host: str, port: int, grpc_port: int | None, retrain: bool
) -> int:
    from churnguard_cli.choosing import pinned, reuse_or_train, train_anew
    from churnguard_cli.server_program import Service, run_server

    chosen = pinned(model, store=store) or (train_anew if retrain else reuse_or_train)(model, store=store)
    if chosen.bundle is None:
        return chosen.code
    service = Service(
        name=model.metadata.name,
        bundle=chosen.bundle,
        serving=model.spec.serving,
        host=host,
        port=port,
        grpc_port=grpc_port,
    )
    messages.note(f"starting the server with {chosen.bundle.revision}")
    ended = run_server(service, on_ready=lambda taken: _say_ready(service, port=taken), on_entry=_show)
    return _report(ended, bundle=chosen.bundle)


def _settings(output: Path, *, host: str, port: int) -> Settings:
    from churnguard_cli.events.intake import Settings

    return Settings(
        folder=output.absolute() / _EVENTS,
        host=host,
        port=port,
        database=os.environ.get("DATABASE_URL", ""),
        has_kafka=bool(os.environ.get("KAFKA_BOOTSTRAP")),
    )


def _take_events(settings: Settings, *, work: Callable[[], int] | None) -> int:
    from churnguard_cli.events.screen import until_a_signal, while_taking_events

    return while_taking_events(settings, work or until_a_signal)


def _check_events_alone(*, events: bool, others: Sequence[object]) -> None:
    """Without a ChurnModel there must be something to do, and nothing that only a ChurnModel needs."""
    if not events:
        raise click.UsageError("Missing argument 'FILE'; --events alone needs none.")
    if any(others):
        raise click.UsageError("Missing argument 'FILE', which --data, --grpc-port and --retrain are about.")


def _check_ports(host: str, ports: Mapping[str, int]) -> None:
    """Refuse now what a server would refuse after a training; ports are given by their options."""
    problems = [problem for port in ports.values() if (problem := problem_with(host, port)) is not None]
    wanted = [port for port in ports.values() if port]
    problems += [f"port {port} is wanted twice" for port in sorted(set(wanted)) if wanted.count(port) > 1]
    if problems:
        for problem in problems:
            messages.error(problem)
        options = " or ".join(ports)
        messages.hint(f"end that program, or choose another port with {options} (0 takes a free one)")
        raise click.exceptions.Exit(REFUSED)


def _say_ready(service: Service, *, port: int) -> None:
    from churnguard_cli.examples import curl_lines, example_for

    url = typed_url(service.host, port)
    messages.note(f"{service.bundle.revision} is served on http://{url}; Ctrl-C ends it. Ask it:\n")
    for line in curl_lines(example_for(service.bundle.path), url=url, model=service.name):
        click.echo(line)


def _show(entry: Entry) -> None:
    if not entry.level:
        messages.note(entry.text())
    elif entry.level == "warning":
        messages.warning(f"server: {entry.text()}")
    else:
        messages.error(f"server: {entry.text()}")


def _report(ended: Ended, *, bundle: Stored) -> int:
    if ended.stopped_by is not None:
        return _report_stopped(ended, signum=ended.stopped_by)
    from churnguard_cli.training import shown

    because = f": {ended.problem}" if ended.problem else ""
    if ended.was_ready:
        messages.error(f"the server ended by itself ({how_it_ended(ended.code)}){because}")
        return FAILED
    messages.error(f"the server did not start ({how_it_ended(ended.code)}){because}")
    folder = shlex.quote(str(shown(bundle.path)))
    messages.hint(f"if it is the bundle: churnguard bundle verify {folder}; --retrain makes a new one")
    return FAILED


def _report_stopped(ended: Ended, *, signum: int) -> int:
    if ended.was_ready and ended.code == 0:
        messages.note("stopped")
        return OK
    name = signal.Signals(signum).name
    how = "the server was killed" if ended.was_ready else "nothing was served yet"
    messages.error(f"stopped by {name}; {how}")
    return 128 + signum

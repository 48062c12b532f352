"""``churnguard up``."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES, FAILED, OK, REFUSED
from churnguard_cli.ports import problem_with, typed_url

if TYPE_CHECKING:
    from churnguard_cli.server_log import Entry
    from churnguard_cli.server_program import Ended, Service
    from churnguard_cli.store import Stored

_PORT = click.IntRange(0, 65535)


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(path_type=Path))
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
    help="Folder of bundles.",
)
@click.option("--port", type=_PORT, default=8080, show_default=True, help="Port of HTTP; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--grpc-port", type=_PORT, help="Port of gRPC.  [default: no gRPC]")
@click.option("--retrain", is_flag=True, help="Train even if neither customers nor ChurnModel changed.")
def up(
    *, file: Path, data: Path | None, output: Path, port: int, host: str, grpc_port: int | None, retrain: bool
) -> int:
    """Train the ChurnModel of FILE and serve it on this machine.

    It trains as `churnguard train` does, unless customers and ChurnModel are those of an earlier time; a change of
    spec.serving never trains. A revision whose gates held is served until Ctrl-C or SIGTERM. If a gate failed, the
    newest revision whose gates held is served instead.
    """
    # Imported late: --help needs none of it.
    from churnguard_cli.choosing import pinned, reuse_or_train, train_anew
    from churnguard_cli.server_program import Service, run_server
    from churnguard_cli.training import read_model

    model = read_model(file, data=data)
    _check_ports(host, ports=[port] if grpc_port is None else [port, grpc_port])
    store = output.absolute()
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


def _check_ports(host: str, *, ports: Sequence[int]) -> None:
    """Refuse now what the server would refuse after a training."""
    problems = [problem for port in ports if (problem := problem_with(host, port)) is not None]
    if problems:
        for problem in problems:
            messages.error(problem)
        messages.hint("end that program, or choose another port with --port (0 takes a free one)")
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
        messages.error(f"the server ended by itself ({_how(ended.code)}){because}")
        return FAILED
    messages.error(f"the server did not start ({_how(ended.code)}){because}")
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


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

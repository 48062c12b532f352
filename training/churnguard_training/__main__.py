"""``churnguard-train``: what a training Job runs.

Exit codes: 0 trained, 1 crashed, 2 refused (the reason is in the result), 143 ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from churnguard_core.names import revision_name, revision_number
from churnguard_core.result import EXIT_CRASHED, EXIT_REFUSED, EXIT_TRAINED, TrainingResult, encode_result
from churnguard_training.errors import Refused
from churnguard_training.modelfile import load_churnmodel
from churnguard_training.reporting import Reporter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    signal.signal(signal.SIGTERM, _terminate)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["prune"]:
        return _prune(_prune_parser().parse_args(given[1:]))
    return _train(_train_parser().parse_args(given))


def _terminate(signum: int, _frame: FrameType | None) -> NoReturn:
    # An exception rather than sudden death: a half-written bundle is cleared away on the way out.
    raise SystemExit(128 + signum)


def _train_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="churnguard-train",
        description="Train one revision of a ChurnModel and store its bundle. "
        "`churnguard-train prune --help` removes old bundles.",
        epilog="Secrets come from files or the environment, never from the command line; see docs/training.md.",
    )
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="ChurnModel, YAML or JSON")
    parser.add_argument("--revision", type=_revision, required=True, metavar="NAME", help="such as telco-r7")
    parser.add_argument(
        "--output", required=True, metavar="URI", help="root of the store: file://, pvc:// or s3://"
    )
    parser.add_argument(
        "--champion", metavar="URI", help="bundle of the serving revision, judged on the same rows"
    )
    parser.add_argument("--champion-digest", metavar="DIGEST", help="expected digest of that bundle")
    parser.add_argument("--result", type=_result_file, metavar="FILE", help="also write the JSON result here")
    return parser


def _prune_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="churnguard-train prune", description="Delete bundles of one model that nobody keeps."
    )
    parser.add_argument("--store", required=True, metavar="URI", help="root of the store")
    parser.add_argument("--model", required=True, metavar="NAMESPACE/NAME", help="whose bundles")
    parser.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="REVISION-DIGEST12",
        help="a bundle that stays; repeat it",
    )
    return parser


def _revision(text: str) -> str:
    try:
        revision_number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _result_file(text: str) -> Path:
    # Known before the work: a result that nobody can read makes it worthless.
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder, or in a folder that does not exist")
    return path


def _train(options: argparse.Namespace) -> int:
    reporter = Reporter(sys.stdout.buffer)
    return _answer(lambda: _run(options, reporter), options=options)


def _run(options: argparse.Namespace, reporter: Reporter) -> TrainingResult:
    model = load_churnmodel(options.model)
    _check_revision(options.revision, model=model.metadata.name)
    # Imported late: it takes two seconds that a wrong spec need not wait for.
    from churnguard_training.run import Request, run

    request = Request(
        model=model,
        revision=options.revision,
        output=options.output,
        champion=options.champion,
        champion_digest=options.champion_digest,
    )
    return run(request, reporter=reporter)


def _check_revision(revision: str, *, model: str) -> None:
    # Another model's revision would be stored where neither history nor prune finds it.
    if revision != revision_name(model=model, number=revision_number(revision)):
        raise Refused(
            reason="InvalidSpec",
            problems=[f"--revision: {revision} is no revision of {model}"],
            hint=f"it is named for the ChurnModel, such as {model}-r1",
        )


def _answer(work: Callable[[], TrainingResult], *, options: argparse.Namespace) -> int:
    try:
        result, code = work(), EXIT_TRAINED
    except Refused as refused:
        result = _failure(options, verdict="Refused", reason=refused.reason, message=refused.message)
        code = EXIT_REFUSED
        print(refused.message, file=sys.stderr)  # noqa: T201
    except Exception as error:
        traceback.print_exc()
        result = _failure(
            options, verdict="Failed", reason="Crashed", message=f"{type(error).__name__}: {error}"
        )
        code = EXIT_CRASHED
    encoded = encode_result(result)
    sys.stdout.buffer.write(encoded + b"\n")
    sys.stdout.flush()
    if options.result is not None:
        # In place: Kubernetes mounts the termination log as a file.
        options.result.write_bytes(encoded)
    return code


def _failure(options: argparse.Namespace, *, verdict: str, reason: str, message: str) -> TrainingResult:
    return TrainingResult(
        verdict="Refused" if verdict == "Refused" else "Failed",
        model=options.revision.rpartition("-r")[0],
        revision=options.revision,
        reason=reason,
        message=message,
    )


def _prune(options: argparse.Namespace) -> int:
    import os

    from churnguard_storage import open_store, read_credentials
    from churnguard_training.prune import prune
    from churnguard_training.refusing import refusing

    try:
        with refusing("StoreUnreachable"):
            store = open_store(options.store, credentials=read_credentials(role="store", environ=os.environ))
            pruned = prune(store, model=options.model, keep=options.keep, now=datetime.now(UTC))
    except Refused as refused:
        print(refused.message, file=sys.stderr)  # noqa: T201
        return EXIT_REFUSED
    for path in pruned.bundles:
        print(f"deleted {path}")  # noqa: T201
    return EXIT_TRAINED


if __name__ == "__main__":
    sys.exit(main())

"""``churnguard bundle``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES, OK, REFUSED
from churnguard_cli.folders import bundles_below, read_bundle_folder
from churnguard_cli.messages import printable
from churnguard_core.bundle import CARD_NAME, InvalidBundle, Manifest, verify_bundle

SHOWN_BUNDLES = 10


@click.group(epilog=EXIT_CODES)
def bundle() -> None:
    """Read and verify trained bundles."""


@bundle.command(epilog=EXIT_CODES)
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path) -> int:
    """Verify the digests of a bundle and show its model card."""
    try:
        files = read_bundle_folder(path)
        manifest = verify_bundle(files)
    except InvalidBundle as invalid:
        return _refuse(path, invalid)
    click.echo(_header(manifest, files=files) + "\n")
    card = printable(files.get(CARD_NAME, b"This bundle has no model card.\n").decode(errors="replace"))
    if sys.stdout.isatty():
        from rich.markdown import Markdown

        messages.output_console().print(Markdown(_with_paths(card, folder=path), hyperlinks=False))
    else:
        click.echo(card, nl=False)
    return OK


@bundle.command(epilog=EXIT_CODES)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--digest", help="The digest it must have, from where it was trained; it proves the origin.")
def verify(path: Path, digest: str | None) -> int:
    """Verify a bundle as a server does before it answers: digests, then recorded answers."""
    # Imported late: numpy takes a while, and --help needs none.
    from churnguard_scoring.bundle import PARITY_TOLERANCE, load_bundle

    try:
        files = read_bundle_folder(path)
        loaded = load_bundle(files, digest=digest)
    except InvalidBundle as invalid:
        return _refuse(path, invalid)
    manifest = loaded.manifest
    named = len(manifest.content.files) + len(manifest.documents)
    click.echo(f"{path}: valid")
    click.echo(f"  {named} files have the SHA-256 that the manifest names, and there are no others")
    if digest is None:
        click.echo(f"  the content has the digest of the manifest, {manifest.digest}")
        messages.note("Without --digest this proves that the bundle is whole, not where it comes from.")
    else:
        click.echo(f"  the content has the expected digest, {manifest.digest}")
    click.echo(f"  it gives the answers recorded in training, within {PARITY_TOLERANCE:g}")
    return OK


def _refuse(path: Path, invalid: InvalidBundle) -> int:
    for problem in invalid.problems:
        messages.error(problem)
    if below := bundles_below(path):
        shown = "".join(f"\n  {folder}" for folder in below[-SHOWN_BUNDLES:])
        messages.hint(f"there are bundles below it:{shown}")
    return REFUSED


def _header(manifest: Manifest, *, files: dict[str, bytes]) -> str:
    origin, content = manifest.origin, manifest.content
    size = sum(map(len, files.values()))
    lines = {
        "revision": f"{origin.revision} of {origin.namespace}/{origin.model}",
        "digest": manifest.digest,
        "trained": origin.created_at,
        "algorithm": content.algorithm,
        "features": str(len(content.schema)),
        "size": f"{size / 1024:,.0f} KiB in {len(files)} files",
    }
    return "\n".join(
        f"{click.style(f'{name:<10}', bold=True)}{printable(text)}" for name, text in lines.items()
    )


def _with_paths(card: str, *, folder: Path) -> str:
    """The card with the paths of its plots, which a terminal cannot show."""

    def path_of(image: re.Match[str]) -> str:
        return f"{image['what']}: {folder / image['name']}"

    return re.sub(r"!\[(?P<what>[^\]\n]*)\]\((?P<name>[\w./-]+)\)", path_of, card)

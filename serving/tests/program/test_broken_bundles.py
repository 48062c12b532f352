"""A bundle that is not whole, not ours or not true is never served: exit code 2, and the last line says why."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from churnguard_core.bundle import (
    MANIFEST_NAME,
    SCORER_NAME,
    Manifest,
    content_digest,
    encode_manifest,
    file_digest,
)

Server = Any
Start = Callable[..., Server]
Mend = Callable[[Path], object]
GOLDEN_DIGEST = "sha256:ec604e5579a38a33e572e30ed7bde1a565544fb57912225af02310d506ac6dc4"
FILES = ("manifest.json", "scorer.json", "parity.json", "reference.json", "evaluation.json", "card.md")


def removed(name: str) -> Mend:
    return lambda folder: (folder / name).unlink()


def truncated(name: str) -> Mend:
    def cut(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return cut


def flipped(name: str) -> Mend:
    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return flip


def rewritten(change: Callable[[dict[str, Any]], Any], *, name: str = MANIFEST_NAME) -> Mend:
    def rewrite(folder: Path) -> None:
        document = json.loads((folder / name).read_bytes())
        change(document)
        (folder / name).write_text(json.dumps(document))

    return rewrite


def answers_otherwise(folder: Path) -> None:
    """Another scorer, with a manifest that is right about it."""
    rewritten(lambda scorer: scorer["calibration"].update(intercept=0.3), name=SCORER_NAME)(folder)
    sign(folder)


def sign(folder: Path) -> None:
    manifest = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest)
    files = {name: file_digest((folder / name).read_bytes()) for name in manifest.content.files}
    content = replace(manifest.content, files=files)
    signed = replace(manifest, content=content, digest=content_digest(content))
    (folder / MANIFEST_NAME).write_bytes(encode_manifest(signed))


def an_unknown_model(folder: Path) -> None:
    rewritten(lambda scorer: scorer["model"].update(kind="transformer"), name=SCORER_NAME)(folder)
    sign(folder)


def pickled(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "model.pkl").write_bytes(b"\x80\x04.")


MENDS: dict[str, tuple[Mend, str]] = {
    "without its manifest": (removed(MANIFEST_NAME), "there is no bundle at file:///"),
    **{f"without {name}": (removed(name), f"{name}: missing") for name in FILES[1:]},
    **{f"half of {name}": (truncated(name), name) for name in FILES[:3]},
    **{f"a flipped bit in {name}": (flipped(name), "manifest") for name in FILES[3:]},
    "a foreign file": (
        lambda folder: (folder / "run.sh").touch(),
        "run.sh: not named by the manifest",
    ),
    "a newer format": (
        rewritten(lambda manifest: manifest["content"].update(format=2)),
        "format 2; this program reads 1: use a newer version",
    ),
    "an older format": (
        rewritten(lambda manifest: manifest["content"].update(format=0)),
        "format 0; this program reads 1: train again",
    ),
    "another digest in the manifest": (
        rewritten(lambda manifest: manifest.update(digest="sha256:00")),
        "says digest sha256:00, its content has sha256:ec60",
    ),
    "parity that does not hold": (answers_otherwise, "parity.json: record 0 differs"),
    "a kind of model that we do not know": (an_unknown_model, "transformer"),
    "a manifest that is a list": (
        lambda folder: (folder / MANIFEST_NAME).write_text("[]"),
        "manifest.json",
    ),
    "no bundle": (pickled, "bundle"),
}


@pytest.fixture(scope="module")
def refused(
    start: Start, bundle_folder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Server]:
    """A server that was given it, for every broken bundle; two at a time."""
    store = tmp_path_factory.mktemp("store")

    def begin(at: int, mend: Mend) -> Server:
        folder = store / str(at)
        shutil.copytree(bundle_folder("boosting"), folder)
        mend(folder)
        server = start(folder)
        server.process.wait(60)
        return server

    with ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(begin, at, mend) for at, (mend, _) in enumerate(MENDS.values())]
        return {name: server.result() for name, server in zip(MENDS, begun, strict=True)}


def last_line(server: Server) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(server.log.to_the_end()[-1])
    return line


@pytest.mark.slow
@pytest.mark.parametrize("name", MENDS)
def test_a_broken_bundle_is_refused_and_the_last_line_says_why(name: str, refused: dict[str, Server]) -> None:
    server = refused[name]
    assert server.process.returncode == 2, server.log.lines
    line = last_line(server)
    assert (line["level"], line["message"]) == ("error", "refused")
    assert MENDS[name][1] in line["problem"]
    assert len(server.log.lines) == 1
    assert server.process.stdout.read() == ""


def test_another_digest_than_the_one_handed_over_is_refused(start: Start) -> None:
    server = start("boosting", "--digest", GOLDEN_DIGEST.replace("ec6", "000"))
    assert server.process.wait(60) == 2
    expected = GOLDEN_DIGEST.replace("ec6", "000")
    assert f"expected digest {expected}, found {GOLDEN_DIGEST}" in last_line(server)["problem"]


@pytest.mark.parametrize("kind", ["boosting", "logistic", "forest"])
def test_a_golden_bundle_of_format_1_is_served(kind: str, start: Start) -> None:
    digest = ("--digest", GOLDEN_DIGEST) if kind == "boosting" else ()
    server = start(kind, *digest)
    answer = server.post("/v1/models/telco:predict", {"instances": [{}]})
    assert answer.json["revision"] == "golden-r1"
    assert server.stop(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        ("file:///nowhere/to/be/found", "no bundle"),
        ("file:///etc/hostname", "/etc/hostname"),
        ("file://relative/path", "must name an absolute path"),
        ("https://example.com/model", "is no address of the kinds file:///path"),
        ("pvc://claim/default/telco/telco-r1", "the claim of pvc://claim/default/telco is not mounted"),
        ("s3://bucket/default/telco/telco-r1", "s3"),
        ("", "names no bundle"),
    ],
)
def test_an_address_without_a_bundle_is_refused(bundle: str, words: str, start: Start) -> None:
    # The last one given is the one that counts.
    server = start("boosting", "--bundle", bundle)
    assert server.process.wait(60) == 2
    line = last_line(server)
    assert line["bundle"] == bundle
    assert words in line["problem"]


@pytest.mark.parametrize(
    ("serving", "words"),
    [
        ({"levels": {"medium": "0.7", "high": "0.6"}}, "levels.medium must not exceed levels.high"),
        ({"limits": {"maxInstances": 0}}, "$.limits.maxInstances"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(serving: Any, words: str, start: Start) -> None:
    server = start("boosting", serving=serving)
    assert server.process.wait(60) == 2
    assert words in last_line(server)["problem"]


def test_a_missing_file_of_settings_is_refused_by_name(start: Start) -> None:
    server = start("boosting", "--serving", "/nowhere/serving.json")
    assert server.process.wait(60) == 2
    assert "serving.json" in last_line(server)["problem"]

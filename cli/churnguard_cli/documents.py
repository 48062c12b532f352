"""YAML as people write it: bounded, without aliases and duplicate keys, with every problem's line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import yaml

MOST_BYTES: Final = 1024 * 1024


class InvalidYaml(ValueError):  # noqa: N818 - names the fact
    """The text is no acceptable YAML; ``problems`` says where and why."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            message = "aliases (*name) are not supported; write the value out"
            raise yaml.composer.ComposerError(None, None, message, mark)
        return super().compose_node(parent, index)


def read_documents(data: bytes) -> list[object]:
    """The documents of a YAML or JSON file, empty ones left out.

    Raises:
        InvalidYaml: Too large, no YAML, aliases, or duplicate keys (all of them), with lines.
    """
    if len(data) > MOST_BYTES:
        raise InvalidYaml([f"larger than {MOST_BYTES // 1024} KiB; this is no ChurnModel"])
    try:
        return list(_load(data))
    except yaml.MarkedYAMLError as error:
        raise InvalidYaml([_located(error)]) from None
    except RecursionError:
        raise InvalidYaml(["nested too deeply"]) from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, InvalidYaml):
            raise
        raise InvalidYaml([f"no YAML: {str(error).splitlines()[0]}"]) from None


def _load(data: bytes) -> Iterator[object]:
    loader = _Loader(data)
    try:
        while loader.check_node():
            node = loader.get_node()
            if duplicates := _duplicates(node):
                raise InvalidYaml(duplicates)
            document = loader.construct_document(node)
            if document is not None:
                yield document
    finally:
        loader.dispose()


def _duplicates(root: yaml.Node | None) -> list[str]:
    """A key that is there twice hides a value; YAML forbids it and PyYAML takes the last."""
    found: list[tuple[int, str]] = []
    nodes = [root]
    for node in nodes:  # grows while it is walked
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            nodes += [value for _, value in node.value]
            found += _repeated(key for key, _ in node.value)
    return [f"line {line}: {problem}" for line, problem in sorted(found)]


def _repeated(keys: Iterable[yaml.Node]) -> Iterator[tuple[int, str]]:
    first: dict[tuple[str, str], int] = {}
    for key in keys:
        if isinstance(key, yaml.ScalarNode):
            line, identity = key.start_mark.line + 1, (key.tag, key.value)
            if identity in first:
                yield line, f'key "{key.value[:60]}" is on line {first[identity]} already'
            first.setdefault(identity, line)


def _located(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{error.problem or error.context}"

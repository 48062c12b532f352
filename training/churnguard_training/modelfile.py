"""Files that hold ChurnModels: YAML or JSON, read with bounds and without surprises."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel
from churnguard_core.churnmodel.types import ChurnModel

from churnguard_training.errors import Refused

MOST_BYTES: Final = 1024 * 1024


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases, which can grow without bound, and without duplicate keys, which hide a value."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "aliases (*name) are not supported", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {key!r}", key_node.start_mark
                )
            seen.add(key if isinstance(key, Hashable) else id(key_node))
        return super().construct_mapping(node, deep=deep)


def load_documents(path: Path) -> list[object]:
    """The documents of a YAML or JSON file.

    Raises:
        Refused: InvalidSpec; the file cannot be read, is too large, or is no YAML, with the line.
    """
    try:
        data = path.read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None
    if len(data) > MOST_BYTES:
        raise _refused(path, f"larger than {MOST_BYTES // 1024} KiB; this is no ChurnModel")
    try:
        return [document for document in yaml.load_all(data, Loader=_Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _refused(path, f"{where}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(path, f"no YAML: {str(error).splitlines()[0]}") from None


def load_churnmodel(path: Path) -> ChurnModel:
    """The one ChurnModel of a file.

    Raises:
        Refused: InvalidSpec, with every wrong field.
    """
    documents = load_documents(path)
    if len(documents) != 1:
        raise _refused(path, f"holds {len(documents)} documents; expected one ChurnModel")
    try:
        return parse_churnmodel(documents[0])
    except InvalidChurnModel as invalid:
        problems = [f"{path.name}: {problem.path}: {problem.message}" for problem in invalid.problems]
        raise Refused(reason="InvalidSpec", problems=problems) from None


def _refused(path: Path, problem: str) -> Refused:
    return Refused(reason="InvalidSpec", problems=[f"{path.name}: {problem}"])

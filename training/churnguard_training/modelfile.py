"""The ChurnModel file that a run is given, YAML or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_training.errors import Refused

MOST_BYTES: Final = 1024 * 1024


def load_churnmodel(path: Path) -> ChurnModel:
    """The one ChurnModel of a file.

    Raises:
        Refused: InvalidSpec; the file cannot be read or is no YAML, or every wrong field of the ChurnModel.
    """
    try:
        return parse_churnmodel(_load(path))
    except InvalidChurnModel as invalid:
        raise _refused(path, *map(str, invalid.problems)) from None


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        documents = list(yaml.safe_load_all(data)) if len(data) <= MOST_BYTES else []
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(path, "no YAML: " + " ".join(str(error).split())) from None
    if len(documents) != 1:
        raise _refused(path, f"holds {len(documents)} documents of at most 1 MiB; expected one ChurnModel")
    return documents[0]


def _refused(path: Path, *problems: str) -> Refused:
    return Refused(reason="InvalidSpec", problems=[f"{path.name}: {problem}" for problem in problems])

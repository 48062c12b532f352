from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = (
    "core",
    "scoring",
    "simulator",
    "storage",
    "web",
    "eventlog",
    "eventstore",
    "training",
    "serving",
    "operator",
    "collector",
    "streaming",
    "cli",
)

HEAVY = {"sklearn", "xgboost", "shap", "imblearn", "pandas", "scipy", "pyarrow", "matplotlib", "yaml"}
NEVER_NAMED = {
    "xgboost",  # one package, another distribution on other platforms
    "xgboost-cpu",
    "adbc-driver-manager",  # the Postgres driver stands on it
    "churnguard-core",  # everyone may
    "httptools",  # uvicorn takes it by name
}


def modules_after(statements: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after these statements."""
    code = f"{statements}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def all_modules(package: str) -> list[str]:
    folder = ROOT / package.removeprefix("churnguard_") / package
    parts = [path.relative_to(folder.parent).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    return [".".join(part).removesuffix(".__init__") for part in parts if part[-1] != "__main__"]


def importing(package: str) -> str:
    return "\n".join(f"import {module}" for module in all_modules(package))


def test_core_loads_msgspec_and_nothing_else() -> None:
    loaded = modules_after(importing("churnguard_core"))
    assert "churnguard_core" in loaded
    assert not loaded & (HEAVY | {"numpy"})
    assert loaded - modules_after("import msgspec") - sys.stdlib_module_names <= {"churnguard_core"}


def test_scoring_loads_numpy_but_nothing_that_learns() -> None:
    loaded = modules_after(importing("churnguard_scoring") + "\n" + importing("churnguard_core"))
    assert {"numpy", "msgspec", "churnguard_scoring"} <= loaded
    assert not loaded & HEAVY


def test_the_simulator_loads_nothing_that_learns() -> None:
    loaded = modules_after(importing("churnguard_simulator"))
    assert "churnguard_simulator" in loaded
    assert not loaded & (HEAVY - {"pyarrow"})


def test_storage_loads_neither_tables_nor_what_learns() -> None:
    loaded = modules_after(importing("churnguard_storage"))
    assert {"obstore", "churnguard_storage", "churnguard_core"} <= loaded
    assert not loaded & (HEAVY | {"numpy"})


def imported_packages(component: str) -> set[str]:
    """Third-party and workspace packages that a component's source names in an import."""
    names: set[str] = set()
    for path in (ROOT / component / f"churnguard_{component}").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names.update(_named(node))
    return names - sys.stdlib_module_names - {f"churnguard_{component}"}


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


def declared_distributions(component: str) -> set[str]:
    project = tomllib.loads((ROOT / component / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[^-a-zA-Z0-9_.]", line)[0].lower() for line in project["dependencies"]}


def distributions_of(package: str) -> set[str]:
    # Workspace members are installed as editable: their import package names them.
    if package.startswith("churnguard_"):
        return {package.replace("_", "-")}
    return {name.lower().replace("_", "-") for name in packages_distributions().get(package, [])}


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_import_is_a_declared_dependency(component: str) -> None:
    declared = declared_distributions(component)
    undeclared = {
        package
        for package in imported_packages(component)
        # scipy comes with scikit-learn, which is useless without it.
        if not distributions_of(package) & declared
        and not (package == "scipy" and "scikit-learn" in declared)
    }
    assert undeclared == set()


@pytest.mark.parametrize("component", [each for each in COMPONENTS if each != "cli"])
def test_every_declared_dependency_is_imported(component: str) -> None:
    used = {name for package in imported_packages(component) for name in distributions_of(package)}
    assert declared_distributions(component) - used - NEVER_NAMED == set()

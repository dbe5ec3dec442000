"""Whatever people can set, run or be told is documented."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from makegood.app.cli.commands import app
from makegood.errors import MakegoodError
from makegood.ground.staff.rules import PERMISSIONS

ROOT = Path(__file__).resolve().parents[2]


def reference(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text()


def test_every_setting_is_documented():
    code = "".join(path.read_text() for path in (ROOT / "src/makegood/app").rglob("*.py"))
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', code)) | set(re.findall(r'envvar="([A-Z_]+)"', code))
    assert len(names) > 10
    missing = [name for name in names if f"`{name}`" not in reference("settings.md")]
    assert not missing


def commands(command: object, path: str = "makegood") -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path
    else:
        for name, child in below.items():
            yield from commands(child, f"{path} {name}")


@pytest.mark.parametrize("command", list(commands(get_command(app))))
def test_every_command_is_documented(command: str):
    assert f"`{command}" in reference("commands.md")


def refusals(kind: type[MakegoodError]) -> Iterator[type[MakegoodError]]:
    for child in kind.__subclasses__():
        yield child
        yield from refusals(child)


def test_every_refusal_is_documented():
    import makegood.app.config.urls  # noqa: F401  loads every room

    text = reference("refusals.md")
    missing = {kind.code for kind in refusals(MakegoodError) if f"`{kind.code}`" not in text}
    assert not missing


def test_every_permission_is_documented():
    assert not [name for name in PERMISSIONS if f"`{name}`" not in reference("routes.md")]

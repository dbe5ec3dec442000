"""The feed is documented as it is."""

import json
from pathlib import Path

import jsonschema
import pytest

from makegood.ground.retail.feed import all_tables
from makegood.ground.retail.schema import documents, json_schema
from tests.ground.retail.conftest import customer, order

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"


def test_the_reference_is_current():
    stale = [
        name
        for name, text in documents().items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text() != text
    ]
    assert not stale, "Run: makegood import schema docs/reference"


def test_no_schema_is_left_over():
    assert {path.name for path in (REFERENCE / "feed").iterdir()} == {f"{table.name}.json" for table in all_tables()}


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.name)
def test_each_schema_is_a_schema(table):
    jsonschema.Draft202012Validator.check_schema(json_schema(table))
    assert "ref" in json_schema(table)["required"]


@pytest.mark.parametrize(
    ("row", "right"),
    [
        (order(), True),
        (order(status="gone"), False),
        (order(total=-1), False),
        ({"ref": "O1"}, False),
        (order(currency=None, place=""), True),
    ],
)
def test_schemas_agree_with_the_checks(row, right):
    schemas = {table.name: json_schema(table) for table in all_tables()}
    assert jsonschema.Draft202012Validator(schemas["orders"]).is_valid(row) is right
    assert jsonschema.Draft202012Validator(schemas["customers"]).is_valid(json.loads(json.dumps(customer())))

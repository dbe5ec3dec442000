"""`makegood triage` at the keyboard: figures, the way back, and one sentence for whatever cannot be done."""

import json

import pytest
from typer.testing import CliRunner, Result

from makegood.app.cli import triage as commands
from makegood.errors import MakegoodError
from makegood.recover.triage.errors import NothingLearned, TooFewCases
from makegood.recover.triage.models import TrainedModel


@pytest.fixture
def triage(db, monkeypatch):
    monkeypatch.setattr(commands, "set_up", lambda: None)  # the test's database is up

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(commands.triage, list(arguments))

    return run


def refused(result: Result) -> MakegoodError:
    assert result.exit_code == 1
    assert isinstance(result.exception, MakegoodError)  # `makegood` prints its sentence
    return result.exception


def test_an_empty_shop_has_nothing_to_learn_to_report_or_to_go_back_from(triage):
    assert isinstance(refused(triage("train")), TooFewCases)
    assert isinstance(refused(triage("back")), NothingLearned)
    assert "The phrasebook alone is in use." in triage("report").stdout
    assert json.loads(triage("report", "--json").stdout) == {"in_use": None, "trainings": []}
    assert not TrainedModel.objects.exists()


def test_too_few_cases_are_counted_in_the_refusal(triage, settle):
    settle(40)
    assert "40 cases have a reason" in str(refused(triage("train")))


def test_train_report_and_back(triage, settle):
    settle()
    trained = triage("train", "--json", "--seed", "3")
    assert trained.exit_code == 0
    told = json.loads(trained.stdout)
    assert (told["active"], told["seed"], told["learned"]) == (True, 3, 120)
    assert json.loads(triage("report", "--json").stdout)["in_use"]["model"] == told["model"]
    printed = triage("report").stdout
    assert f"Model {told['model']}" in printed
    assert "phrasebook and order" in printed
    assert "The phrasebook alone is in use." in triage("back").stdout
    assert json.loads(triage("report", "--json").stdout)["in_use"] is None


def test_people_read_what_came_of_it(triage, settle):
    settle()
    assert "learned from 120 confirmed cases" in triage("train").stdout


@pytest.mark.parametrize(
    "wrong", [["train", "--precision", "1.5"], ["train", "--precision", "much"], ["train", "--seed", "x"],
              ["train", "--untill", "2018-01-01"], ["report", "--csv"], ["back", "twice"], ["forget"]],
)  # fmt: skip
def test_wrong_arguments_are_told_and_change_nothing(triage, wrong):
    result = triage(*wrong)
    assert result.exit_code == 2
    assert not isinstance(result.exception, MakegoodError)
    assert not TrainedModel.objects.exists()


def test_a_moment_that_is_none_is_one_sentence(triage, settle):
    settle(0)
    result = triage("train", "--until", "soon")
    assert result.exit_code == 1
    assert '"soon" is not a moment' in result.stderr

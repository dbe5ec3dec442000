"""Triage over the API: what a text is about, and how good the answers are. Saying the reason is a case's affair."""

from typing import Any, Literal

from ninja import Field, Router, Schema
from pydantic import field_validator

from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.recover.intake import opinions
from makegood.recover.intake.matching import read
from makegood.recover.triage.queries import report
from makegood.recover.triage.services.judging import judge

router = Router(tags=["triage"])

SEES_CASES, SEES_TRIAGE = Holds("cases.see"), Holds("triage.see")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 422: Problem}


class TextIn(Schema):
    """What a customer wrote."""

    text: Text = Field(max_length=100_000, description="Subject and body; the first 4,000 characters are read.")
    language: Text = Field("", max_length=8, description="ISO 639-1, such as en; found out when empty.")
    channel: Text = Field("", max_length=20, description="Where it came in, such as email.")

    @field_validator("text")
    @classmethod
    def says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("text is empty")
        return text


class Choice(Schema):
    reason: str
    probability: float


class Suggested(Schema):
    """The reason that a case opened by this text would have."""

    reason: str = Field(description="A reason's code; empty: nobody can tell.")
    by: Literal["learned", "phrasebook", ""]
    words: list[str] = Field(description="What decided, as written.")
    choices: list[Choice] = Field(description="What was learned thinks likeliest; empty where nothing was learned.")
    model: int | None = Field(description="The model in use; null: the phrasebook alone.")


class ReportOut(Schema):
    in_use: dict[str, Any] | None = Field(description="Figures of the model in use; null: the phrasebook alone.")
    trainings: list[dict[str, Any]]


@router.post("/triage/suggest", response={200: Suggested} | REFUSALS, auth=SEES_CASES, operation_id="suggest_reason",
             summary="Suggest a reason")  # fmt: skip
def suggest_reason(request: StaffRequest, told: TextIn) -> dict[str, Any]:  # noqa: ARG001  as every operation
    """What a text is about. Nothing is written. One SQL statement of its own.

    What was learned answers where it is sure, else the phrasebook. Say the true reason with
    `POST /cases/{number}/reason`: the next training learns from it.
    """
    reading = read(told.text, told.language)
    [opinion] = judge([opinions.telling(told.text, reading, None, channel=told.channel or "api")])
    found = reading.finding
    by_model = opinion is not None and opinion.sure
    return {
        "reason": opinion.reason if opinion and by_model else found.reason if found else "",
        "by": "learned" if by_model else "phrasebook" if found else "",
        "words": list(opinion.words) if opinion and by_model else list(found.evidence) if found else [],
        "choices": [{"reason": code, "probability": round(p, 3)} for code, p in opinion.choices] if opinion else [],
        "model": opinion.model if opinion else None,
    }


@router.get("/triage/report", response={200: ReportOut} | REFUSALS, auth=SEES_TRIAGE, operation_id="triage_report",
            summary="How good triage is")  # fmt: skip
def triage_report(request: StaffRequest) -> dict[str, Any]:  # noqa: ARG001  ninja passes it
    """The model in use and the last ten trainings with their figures. Three SQL statements of its own."""
    return report().as_json()

"""Bad input hurts nobody: schemathesis over the whole API, signed in as somebody who may do everything."""

import json
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.core import NOT_SET

from makegood.app.config.api import api
from makegood.ground.staff.models import Role, User
from makegood.recover.cases.services import plant_defaults

schema = schemathesis.openapi.from_dict(api.get_openapi_schema())


@pytest.fixture
def signed_in(db: None) -> Client:
    plant_defaults()
    client = Client(raise_request_exception=False)
    client.force_login(
        User.objects.create_user("root", role=Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def send(client: Client, case: Any) -> Any:
    raw = case.body if isinstance(case.body, bytes) else json.dumps(None if case.body is NOT_SET else case.body)
    body = {} if case.body is NOT_SET else {"data": raw, "content_type": "application/json"}
    return client.generic(case.method, case.formatted_path, query_params=dict(case.query or {}), **body)


@schema.parametrize()
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_that_can_be_sent_breaks_the_api(case: Any, signed_in: Client):
    answer = send(signed_in, case)
    assert answer.status_code < 500, f"{case.method} {case.formatted_path} {case.query} {case.body!r}"
    if answer.status_code in (404, 405) and "json" not in answer["Content-Type"]:
        return  # no such route or method
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["code"]
        assert problem["detail"]
        assert problem["status"] == answer.status_code


def test_the_document_is_valid_openapi():
    schema.validate()

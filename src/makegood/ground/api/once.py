"""Writes of the API done once however often they are sent: the header `Idempotency-Key`."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from makegood.ground.api.models import Answer

HEADER: Final = "Idempotency-Key"
KEPT_FOR: Final = timedelta(days=2)
LONGEST: Final = 200


class Once:
    """Middleware: a write and the note that it was done commit together, so a crash leaves neither.

    Who sends the same key while the first is still at work waits for it (the constraint `answer_once_per_key`) and gets
    its answer. The same key with another request is refused. Answers of 500 and more are not kept: nothing was done.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get(HEADER, "")
        safe = request.method in ("GET", "HEAD", "OPTIONS")
        if not key or safe or not request.path.startswith("/api/") or not request.user.is_authenticated:
            return self.get_response(request)
        if len(key) > LONGEST or not key.isprintable():
            return _problem(
                "idempotency_key_unreadable", f"{HEADER} takes up to {LONGEST} printable characters, such as a UUID."
            )
        asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
        fingerprint = hashlib.sha256(asked).hexdigest()
        with transaction.atomic():
            Answer.objects.bulk_create(
                [Answer(user_id=request.user.pk, key=key, fingerprint=fingerprint, at=timezone.now())],
                ignore_conflicts=True,
            )
            answer = Answer.objects.select_for_update().get(user_id=request.user.pk, key=key)
            if answer.fingerprint != fingerprint:
                return _problem(
                    "idempotency_key_reused", f"This {HEADER} was sent with another request. Use a new one for each."
                )
            if answer.status is not None:
                again = HttpResponse(bytes(answer.body), status=answer.status, content_type=answer.content_type)
                again["Idempotent-Replayed"] = "true"
                return again
            response = self.get_response(request)
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)
                return response
            answer.status, answer.body = response.status_code, response.content
            answer.content_type = response.get("Content-Type", "")[:100]
            answer.save(update_fields=["status", "body", "content_type"])
            return response


def forget(*, now: datetime) -> int:
    """Drop answers that nobody will ask for again; returns how many. Run daily."""
    return Answer.objects.filter(at__lt=now - KEPT_FOR).delete()[0]


def _problem(code: str, detail: str) -> JsonResponse:
    facts = {"code": code, "status": 422, "detail": detail, "fields": []}
    return JsonResponse(facts, status=422, content_type="application/problem+json")

"""Mail that a provider hands in over HTTP, in the shapes that django-anymail knows."""

from datetime import datetime, timedelta
from email.encoders import encode_base64
from email.message import EmailMessage
from importlib import import_module
from typing import Any, Final

import structlog
from anymail.exceptions import AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from makegood.ground.messages import files
from makegood.ground.staff.access import by_secret
from makegood.ground.web.throttle import address, spend
from makegood.recover.intake.errors import ProviderUnknown, SecretWrong
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services.mailing import Where, keep_mail

log = structlog.get_logger(__name__)

# Where anymail reads each provider's shape. Those whose mail must be fetched with a further key are left out.
PROVIDERS: Final = {
    "mailgun": "mailgun.MailgunInboundWebhookView",
    "mailjet": "mailjet.MailjetInboundWebhookView",
    "postmark": "postmark.PostmarkInboundWebhookView",
    "sendgrid": "sendgrid.SendGridInboundWebhookView",
    "sparkpost": "sparkpost.SparkPostInboundWebhookView",
}
_WRONG_AT_MOST, _WRONG_WITHIN = 20, timedelta(minutes=10)


@csrf_exempt
@by_secret
@require_http_methods(["POST", "HEAD"])
def inbound(request: HttpRequest, provider: str) -> HttpResponse:
    """Keep a mail that a provider hands in; it is understood by a job.

    What cannot be read is kept too, as a reject: a provider that is told of a failure would send it for days.

    Raises
    ------
    ProviderUnknown
        No such provider, or no secret is set.
    SecretWrong
        The secret or the provider's signature is missing or wrong.
    TooOften
        So many wrong ones came from this address that none is looked at for a while.
    """
    now = timezone.now()
    shape = _shape(provider)
    if request.method == "HEAD":  # some providers look whether the address exists
        return HttpResponse()
    if request.content_type == "application/json":
        # Django's own limit is made for forms; a mail with photographs is larger.
        request._body = request.read(2 * settings.MAKEGOOD_MAIL_LARGEST)  # noqa: SLF001
    try:
        shape.run_validators(request)
    except (AnymailWebhookValidationFailure, ImproperlyConfigured) as problem:
        spend("mail-secret", address(request), limit=_WRONG_AT_MOST, per=_WRONG_WITHIN, now=now)
        raise SecretWrong from problem
    _keep(request, shape, f"webhook/{provider}", now)
    from makegood.recover.intake.tasks import take_in  # noqa: PLC0415  jobs are known once apps are loaded

    take_in.defer()
    return HttpResponse()


def _shape(provider: str) -> Any:
    """Anymail's reader of a provider's requests. It is used as a library: we call it, it signals nobody."""
    if provider not in PROVIDERS or not settings.MAKEGOOD_MAIL_SECRET:
        raise ProviderUnknown
    module, _, name = PROVIDERS[provider].partition(".")
    return getattr(import_module(f"anymail.webhooks.{module}"), name)()


def _keep(request: HttpRequest, shape: Any, mailbox: str, now: datetime) -> None:
    try:
        raws = [_as_bytes(event.message) for event in shape.parse_events(request) if event.message is not None]
    except Exception as problem:  # noqa: BLE001  whatever a provider (or who pretends to be one) sends
        log.warning("provider's request not read", mailbox=mailbox, problem=type(problem).__name__)
        body = getattr(request, "_body", b"")
        why = f"What the provider sent could not be read ({type(problem).__name__}). It is kept as it came."
        Mail.objects.create(
            mailbox=mailbox, came_at=now, size=len(body), key=files.put(body).key, status=Mail.Status.REJECTED, why=why
        )
        return
    for raw in raws:
        keep_mail(raw=raw, where=Where(mailbox, "", now))


def _as_bytes(message: EmailMessage) -> bytes:
    """The mail that anymail put together. Files travel as base64: as they are, their line ends would be changed."""
    for part in message.walk():
        is_file = part.get_content_maintype() not in ("multipart", "text", "message") or part.get_filename()
        if is_file and not part.is_multipart() and "Content-Transfer-Encoding" not in part:
            encode_base64(part)
    return message.as_bytes()

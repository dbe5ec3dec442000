"""Mail that a provider hands in over HTTP, in the shapes that django-anymail knows."""

from datetime import datetime, timedelta
from email.encoders import encode_base64
from email.message import EmailMessage
from importlib import import_module
from typing import Any, Final

import structlog
from anymail.exceptions import AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from makegood.ground.messages import files
from makegood.ground.staff.access import by_secret
from makegood.ground.web.throttle import address, spend
from makegood.recover.intake.errors import MailTooLarge, ProviderUnknown, SecretWrong
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
# The field in which a provider's form holds the whole mail.
_WHOLE_MAIL: Final = {"mailgun": "body-mime"}
# What comes beside the mail in a form, and what base64 or percent signs make of it elsewhere.
_BESIDE, _ENCODED = 1024**2, 3
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
    MailTooLarge
        It is larger than MAKEGOOD_MAIL_LARGEST. Nothing of it is read.
    SecretWrong
        The secret or the provider's signature is missing or wrong.
    TooOften
        So many wrong ones came from this address that none is looked at for a while.
    """
    now = timezone.now()
    shape = _shape(provider)
    if request.method == "HEAD":  # some providers look whether the address exists
        return HttpResponse()
    _make_room(request, provider)
    try:
        shape.run_validators(request)
    except RequestDataTooBig as problem:
        raise MailTooLarge(settings.MAKEGOOD_MAIL_LARGEST) from problem
    except (AnymailWebhookValidationFailure, ImproperlyConfigured) as problem:
        spend("mail-secret", address(request), limit=_WRONG_AT_MOST, per=_WRONG_WITHIN, now=now)
        raise SecretWrong from problem
    _keep(request, shape, f"webhook/{provider}", now)
    from makegood.recover.intake.tasks import take_in  # noqa: PLC0415  jobs are known once apps are loaded

    take_in.defer()
    return HttpResponse()


def _make_room(request: HttpRequest, provider: str) -> None:
    """Let through what a mail may have: Django's own limit (DATA_UPLOAD_MAX_MEMORY_SIZE, 2.5 MB) is made for forms that
    people fill in, and stays as it is for those.

    A mail in a field of a form is read as an uploaded file, which goes to disk piece by piece.
    """
    largest = settings.MAKEGOOD_MAIL_LARGEST
    is_form = request.content_type == "multipart/form-data"
    said = request.META.get("CONTENT_LENGTH") or ""
    length = int(said) if said.isascii() and said.isdigit() else 0  # as Django reads it
    if length > (largest + _BESIDE if is_form else _ENCODED * largest):
        raise MailTooLarge(largest)
    if not is_form:
        request._body = request.read()  # noqa: SLF001  no more than its length says
    elif field := _WHOLE_MAIL.get(provider):
        request._stream = _FieldAsFile(request._stream, field)  # type: ignore[assignment]  # noqa: SLF001


class _FieldAsFile:
    """A form on its way in, with one of its fields named as a file."""

    def __init__(self, stream: Any, field: str) -> None:
        self._stream, self._kept, self._found = stream, b"", False
        self._field = f'name="{field}"\r\n'.encode()
        self._file = f'name="{field}"; filename="{field}"\r\n'.encode()

    def read(self, size: int = -1) -> bytes:
        """The next piece; empty at the end. What may be the beginning of the field's name waits for the next."""
        while not self._found:
            piece: bytes = self._stream.read(size)
            known = self._kept + piece
            if self._field in known:
                self._found = True
                return known.replace(self._field, self._file, 1)
            keep = len(self._field) - 1 if piece else 0
            self._kept, ready = (known[-keep:], known[:-keep]) if keep else (b"", known)
            if ready or not piece:
                return ready
        rest: bytes = self._stream.read(size)
        return rest

    def readline(self, size: int = 65_536) -> bytes:
        """What is left is thrown away by lines; any pieces will do."""
        return self.read(size)


def _shape(provider: str) -> Any:
    """Anymail's reader of a provider's requests. It is used as a library: we call it, it signals nobody."""
    if provider not in PROVIDERS or not settings.MAKEGOOD_MAIL_SECRET:
        raise ProviderUnknown
    module, _, name = PROVIDERS[provider].partition(".")
    return getattr(import_module(f"anymail.webhooks.{module}"), name)()


def _keep(request: HttpRequest, shape: Any, mailbox: str, now: datetime) -> None:
    field = _WHOLE_MAIL.get(mailbox.removeprefix("webhook/"), "")
    if whole := request.FILES.get(field) or request.POST.get(field):
        raw = whole.encode() if isinstance(whole, str) else whole.read()
        if len(raw) > settings.MAKEGOOD_MAIL_LARGEST:
            raise MailTooLarge(settings.MAKEGOOD_MAIL_LARGEST)
        keep_mail(raw=raw, where=Where(mailbox, "", now))
        return
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

"""Files of a case, handed out so that no browser runs what is in them."""

import uuid
from typing import Final

from django.http import FileResponse, Http404
from django.views.decorators.http import require_safe

from makegood.ground.messages.files import storage
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.models import Attachment
from makegood.recover.cases.queries.case import the_case
from makegood.recover.cases.services.attachments import PICTURES, attachment_of

# Even a page that slips through runs nothing, loads nothing and has no origin.
_HARMLESS: Final = "sandbox; default-src 'none'; img-src 'self'; style-src 'none'"


@require_safe
@needs("cases.see")
def download(request: StaffRequest, number: int, attachment_id: uuid.UUID) -> FileResponse:
    """A file of a case that the reader may see, always as a download. Three SQL queries."""
    return handed_out(_file(request, number, attachment_id))


@require_safe
@needs("cases.see")
def picture(request: StaffRequest, number: int, attachment_id: uuid.UUID) -> FileResponse:
    """A picture within the page; everything else is not shown there."""
    file = _file(request, number, attachment_id)
    if file.type not in PICTURES:
        raise Http404
    return handed_out(file, as_attachment=False)


def _file(request: StaffRequest, number: int, attachment_id: uuid.UUID) -> Attachment:
    return attachment_of(the_case(number, places=visible_places(request.user)).id, attachment_id)


def handed_out(file: Attachment, *, as_attachment: bool = True) -> FileResponse:
    """The content of a file, as nothing that a browser runs."""
    kind = file.type if file.type in PICTURES else "application/octet-stream"
    answer = FileResponse(storage().open(file.key), as_attachment=as_attachment, filename=file.name, content_type=kind)
    answer["Content-Security-Policy"] = _HARMLESS
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, max-age=3600"
    return answer

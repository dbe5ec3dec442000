from django.db import connection
from django.http import HttpRequest, HttpResponse

from makegood.ground.staff.access import public


@public
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 while this process reaches its database; 503 otherwise (Django turns the refusal into it)."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # noqa: BLE001  whatever is wrong with the database, the answer is the same
        return HttpResponse("database unreachable\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")

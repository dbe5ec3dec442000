"""What a request is once `DenyByDefault` let it through: somebody of ours is signed in."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from makegood.ground.staff.models import User


class StaffRequest(HttpRequest):
    """The request of every view that is not public. For types only: nothing is ever made of this class."""

    user: User
    htmx: HtmxDetails

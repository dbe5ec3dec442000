"""Who may call an operation. Each operation names the permission it needs: `auth=Holds("cases.see")`."""

from typing import Any

from django.http import HttpRequest
from ninja.security import SessionAuth

from makegood.errors import NotPermitted


class OperationClosed(NotPermitted):
    code = "not_permitted"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__(f"This needs the permission {permission}, which your role does not hold.")


class Holds(SessionAuth):
    """Signed in, and of a role that holds the permission. Writes also need the CSRF token, as pages do."""

    def __init__(self, permission: str) -> None:
        super().__init__(csrf=True)
        self.permission = permission

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:  # noqa: ARG002  the session is all there is
        if not request.user.is_authenticated:
            return None
        if not request.user.has_perm(self.permission):
            raise OperationClosed(self.permission)
        return request.user

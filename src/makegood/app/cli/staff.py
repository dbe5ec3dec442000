"""`makegood staff add`: the first person who can sign in."""

from typing import Annotated

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

staff = typer.Typer(no_args_is_help=True)


@staff.callback()
def _group() -> None:
    pass


@staff.command()
def add(
    username: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[str, typer.Option(help="associate, specialist, manager, analyst or administrator.")] = "specialist",
    email: Annotated[str, typer.Option(help="Their e-mail address.")] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add somebody who may sign in."""
    set_up()
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from makegood.ground.staff.models import Role, User

    if role not in Role.values:
        output.fail(f"There is no role {role}. Roles are: {', '.join(Role.values)}.")
    if User.objects.filter(username__iexact=username).exists():
        output.fail(f"{username} exists already. Change them under Settings.")
    user = User(username=username, email=email, role=role, is_staff=role == Role.ADMINISTRATOR)
    try:
        validate_password(password, user)
    except ValidationError as problem:
        output.fail(" ".join(problem.messages))
    user.set_password(password)
    user.save()
    output.stdout.print(f"{username} may sign in as {role}.", highlight=False)

"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, MakegoodError, NotFound


class MailNotFound(NotFound):
    code = "mail_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such mail, or it lies outside the part of the company that you see.")


class MailSettled(Conflict):
    """It became a contact already, or its original was not kept."""

    code = "mail_settled"

    def __init__(self) -> None:
        super().__init__("This mail is part of a case already, or its original was too large to keep.")


class SecretWrong(MakegoodError):
    """Whoever hands in mail over HTTP must prove to be the provider."""

    code = "secret_wrong"
    status = 401

    def __init__(self) -> None:
        super().__init__("The secret or signature is missing or wrong.")


class MailTooLarge(MakegoodError):
    """What a provider hands in is larger than a mail may be."""

    code = "mail_too_large"
    status = 413

    def __init__(self, largest: int) -> None:
        super().__init__(f"A mail may have {largest // 1024**2} MB (MAKEGOOD_MAIL_LARGEST); this one is not taken.")


class ProviderUnknown(NotFound):
    code = "provider_unknown"

    def __init__(self) -> None:
        super().__init__("No such provider hands in mail here, or MAKEGOOD_MAIL_SECRET is not set.")


class MailboxUnreachable(MakegoodError):
    """A mailbox cannot be opened: address, password, network or folder."""

    code = "mailbox_unreachable"
    status = 502

    def __init__(self, mailbox: str, why: str) -> None:
        self.mailbox, self.why = mailbox, why
        super().__init__(f"The mailbox {mailbox} cannot be read: {why}")


class MailboxBadAddress(MakegoodError):
    code = "mailbox_bad_address"

    def __init__(self, mailbox: str) -> None:
        self.mailbox = mailbox
        super().__init__(f"{mailbox} is no mailbox: write imaps://user:password@host/INBOX.")

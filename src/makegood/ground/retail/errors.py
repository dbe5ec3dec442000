"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, MakegoodError, NotFound


class ImportRunning(Conflict):
    """Another import writes the rows of this source."""

    code = "import_running"

    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__(f"Another import of {source} is running. Wait until it is done, then try again.")


class NothingToImport(MakegoodError):
    """What was named holds nothing that can be imported. Nothing was written."""

    code = "nothing_to_import"


class CustomerNotFound(NotFound):
    code = "customer_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such customer, or they have nothing in the part of the company that you see.")


class OrderNotFound(NotFound):
    code = "order_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such order, or it lies outside the part of the company that you see.")


class RejectUnknown(NotFound):
    code = "reject_unknown"

    def __init__(self) -> None:
        super().__init__("There is no such reject.")


class RunUnknown(NotFound):
    code = "import_unknown"

    def __init__(self) -> None:
        super().__init__("There is no such import.")


class RejectSettled(Conflict):
    """Somebody corrected or dismissed it first."""

    code = "reject_settled"

    def __init__(self, status: str) -> None:
        self.settled = status
        super().__init__(f"This row is already {status}.")


class NotARow(Conflict):
    """The reject is about a file, or a row that could not be split into fields: nothing to fill in."""

    code = "reject_is_no_row"

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"This cannot be corrected here: mend the file and import it again, or give {table} its fields."
        )


class AlreadyOnePerson(Conflict):
    """Both accounts belong to one person already."""

    code = "already_one_person"

    def __init__(self) -> None:
        super().__init__("These two accounts already belong to one person.")


class NotOnePerson(Conflict):
    """The accounts do not belong together, perhaps because somebody parted them first."""

    code = "not_one_person"

    def __init__(self) -> None:
        super().__init__("These two accounts do not belong to one person, so there is nothing to take apart.")


class SameAccount(Conflict):
    """An account cannot be linked to itself."""

    code = "same_account"

    def __init__(self) -> None:
        super().__init__("This is one and the same account. Choose another one.")

from makegood.errors import Conflict, NotFound


class LevelNotFound(NotFound):
    code = "service_level_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such calendar, target or rule. Somebody may have deleted it.")


class LevelExists(Conflict):
    code = "service_level_exists"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} Change that one instead.")


class CalendarIsDefault(Conflict):
    code = "calendar_is_default"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} holds wherever no other calendar does. Make another the default first.")

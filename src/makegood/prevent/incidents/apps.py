from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "makegood.prevent.incidents"
    label = "incidents"
    verbose_name = "Incidents"

    def ready(self) -> None:
        """Join in on cases."""
        from makegood.prevent.incidents import affected_panel  # noqa: PLC0415
        from makegood.prevent.incidents.services import joining  # noqa: PLC0415  models are loaded only now
        from makegood.recover.cases import extensions  # noqa: PLC0415

        extensions.merging.append(joining.follow_merge)
        affected_panel.join_in()

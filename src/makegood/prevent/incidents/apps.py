from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "makegood.prevent.incidents"
    label = "incidents"
    verbose_name = "Incidents"

    def ready(self) -> None:
        """Join in on cases, signals, the queue and the customer's own page."""
        from makegood.ground.staff import leaving  # noqa: PLC0415
        from makegood.prevent.incidents import (  # noqa: PLC0415  models are loaded only now
            affected_panel,
            panel,
        )
        from makegood.prevent.incidents.queries.one import told_to_customer  # noqa: PLC0415
        from makegood.prevent.incidents.services import joining, leading  # noqa: PLC0415
        from makegood.prevent.signals import extensions as signals  # noqa: PLC0415
        from makegood.recover.cases import extensions, marks  # noqa: PLC0415
        from makegood.recover.intake import extensions as intake  # noqa: PLC0415

        extensions.panels.append(
            extensions.Panel(position=5, template="incidents/_case_panel.html", context=panel.shown)
        )
        extensions.merging.append(joining.follow_merge)
        extensions.linked["incident"] = panel.told_on_case
        signals.offers.append(panel.offer)
        marks.of_rows.append(panel.ROW_MARK)
        intake.told_to_customer.append(told_to_customer)
        leaving.before.append(leading.what_is_led)
        affected_panel.join_in()

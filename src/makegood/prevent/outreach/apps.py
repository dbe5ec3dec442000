from django.apps import AppConfig


class OutreachConfig(AppConfig):
    name = "makegood.prevent.outreach"
    label = "outreach"
    verbose_name = "Outreach"

    def ready(self) -> None:
        """Join in on the incident page."""
        from makegood.prevent.incidents import extensions  # noqa: PLC0415  models are loaded only now
        from makegood.prevent.outreach import panel  # noqa: PLC0415

        extensions.panels.append(
            extensions.Panel(position=20, part="affected", template="outreach/_panel.html", context=panel.shown)
        )
        extensions.numbers.append(extensions.Number(position=50, ask=panel.contacted))
        extensions.numbers.append(extensions.Number(position=70, ask=panel.cost))
        extensions.told["outreach"] = panel.told

from django.apps import AppConfig


class ImprovementsConfig(AppConfig):
    name = "makegood.prevent.improvements"
    label = "improvements"
    verbose_name = "Improvements"

    def ready(self) -> None:
        """Join in on the page of an incident."""
        from makegood.prevent.improvements import panel  # noqa: PLC0415  models are loaded only now
        from makegood.prevent.incidents import extensions  # noqa: PLC0415

        extensions.panels.append(
            extensions.Panel(position=50, part="cause", template="improvements/_panel.html", context=panel.shown)
        )

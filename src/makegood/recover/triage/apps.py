from django.apps import AppConfig


class TriageConfig(AppConfig):
    name = "makegood.recover.triage"
    label = "triage"
    verbose_name = "Triage"

    def ready(self) -> None:
        """What was learned has an opinion on contacts, and the case page says why."""
        from makegood.recover.cases import extensions  # noqa: PLC0415  models are loaded only now
        from makegood.recover.intake import opinions  # noqa: PLC0415
        from makegood.recover.triage.panel import panel  # noqa: PLC0415
        from makegood.recover.triage.services.judging import judge  # noqa: PLC0415

        opinions.judges.append(judge)
        extensions.panels.append(extensions.Panel(position=5, template="triage/_panel.html", context=panel))

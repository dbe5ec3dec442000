from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "makegood.recover.cases"
    label = "cases"
    verbose_name = "Cases"

    def ready(self) -> None:
        """The case page shows what a case has to do with; cases follow when an import changes customers."""
        from makegood.ground.retail import listeners  # noqa: PLC0415  models are loaded only now
        from makegood.recover.cases import extensions, tasks  # noqa: PLC0415  the same
        from makegood.recover.cases.views.kin import panel  # noqa: PLC0415

        extensions.panels.append(extensions.Panel(position=40, template="cases/_kin.html", context=panel))
        listeners.customers_changed.append(tasks.after_import)

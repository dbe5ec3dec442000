from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class SignalsConfig(AppConfig):
    name = "makegood.prevent.signals"
    label = "signals"
    verbose_name = "Signals"

    def ready(self) -> None:
        """Join in on the case page; look at the settings that say by what to detect."""
        from makegood.prevent.signals import panel  # noqa: PLC0415  models are loaded only now
        from makegood.prevent.slices import DIMENSIONS  # noqa: PLC0415
        from makegood.recover.cases import extensions  # noqa: PLC0415

        extensions.panels.append(extensions.Panel(position=5, template="signals/_panel.html", context=panel.shown))
        if unknown := sorted(set(settings.MAKEGOOD_DETECT_BY) - set(DIMENSIONS)):
            raise ImproperlyConfigured(f"MAKEGOOD_DETECT_BY names {unknown[0]!r}. There are: {', '.join(DIMENSIONS)}.")

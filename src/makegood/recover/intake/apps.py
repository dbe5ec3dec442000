from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "makegood.recover.intake"
    label = "intake"
    verbose_name = "Intake"

    def ready(self) -> None:
        """Contacts are part of the feed."""
        from makegood.ground.retail.feed import register  # noqa: PLC0415  models are loaded only now
        from makegood.recover.intake.feed import CONTACTS  # noqa: PLC0415

        register(CONTACTS)

from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "makegood.lead.scorecards"
    label = "scorecards"
    verbose_name = "Scorecards"

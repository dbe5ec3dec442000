from django.urls import path

from makegood.prevent.signals.views import pages, rules

app_name = "signals"
urlpatterns = [
    path("", pages.signals, name="list"),
    path("export.csv", pages.export, name="export"),
    path("accepted/<uuid:acceptance_id>/end", pages.end_acceptance, name="end_acceptance"),
    path("rules/", rules.rules, name="rules"),
    path("rules/new", rules.rule, name="new_rule"),
    path("rules/<uuid:rule_id>/", rules.rule, name="rule"),
    path("rules/<uuid:rule_id>/remove", rules.remove, name="remove_rule"),
    path("S-<int:number>/", pages.signal, name="signal"),
    path("S-<int:number>/watch", pages.watch, name="watch"),
    path("S-<int:number>/snooze", pages.snooze, name="snooze"),
    path("S-<int:number>/dismiss", pages.dismiss, name="dismiss"),
    path("S-<int:number>/assign", pages.assign, name="assign"),
    path("S-<int:number>/undo", pages.undo, name="undo"),
]

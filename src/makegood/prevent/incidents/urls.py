from django.urls import path

from makegood.prevent.incidents.views import acting, declaring, hearing, pages

app_name = "incidents"
urlpatterns = [
    path("", pages.incidents, name="list"),
    path("export.csv", pages.export, name="export"),
    path("declare", declaring.declare, name="declare"),
    path("hearing", hearing.hearing, name="hearing"),
    path("hearing/<uuid:stakeholder_id>/end", hearing.no_longer, name="no_longer"),
    path("<int:number>/", pages.by_number),
    path("I-<int:number>/", pages.incident, name="incident"),
    path("I-<int:number>/earlier", pages.earlier, name="earlier"),
    path("I-<int:number>/cases", pages.cases, name="cases"),
    path("I-<int:number>/cases.csv", pages.cases_export, name="cases_export"),
    path("I-<int:number>/cases/take-out", acting.take_out, name="take_out"),
    path("I-<int:number>/summary", pages.systemic_summary, name="summary"),
    path("I-<int:number>/merge/undo", acting.part, name="part"),
    path("I-<int:number>/do/<slug:action>", acting.act, name="act"),
]

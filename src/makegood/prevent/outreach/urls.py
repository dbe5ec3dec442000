from django.urls import path

from makegood.prevent.outreach.views import acting, pages

app_name = "outreach"
urlpatterns = [
    path("", pages.listed, name="list"),
    path("for/I-<int:incident>", acting.new, name="new"),
    path("O-<int:number>/", pages.one, name="one"),
    path("O-<int:number>/live", pages.live, name="live"),
    path("O-<int:number>/people.csv", pages.export, name="export"),
    path("O-<int:number>/preview", pages.preview, name="preview"),
    path("O-<int:number>/results", pages.outcome, name="results"),
    path("O-<int:number>/edit", acting.edit, name="edit"),
    path("O-<int:number>/segments/new", acting.segment, name="new_segment"),
    path("O-<int:number>/segments/<uuid:segment_id>/", acting.segment, name="segment"),
    path("O-<int:number>/segments/<uuid:segment_id>/remove", acting.remove_segment, name="remove_segment"),
    path("O-<int:number>/<slug:deed>", acting.act, name="act"),
]

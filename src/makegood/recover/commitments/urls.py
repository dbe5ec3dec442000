from django.urls import path

from makegood.recover.commitments.views import acting, lists

app_name = "commitments"
urlpatterns = [
    path("", lists.commitments, name="list"),
    path("export.csv", lists.export, name="export"),
    path("calendar", lists.calendar, name="calendar"),
    path("kept", lists.kept, name="kept"),
    path("hand-over", lists.hand_over, name="hand_over"),
    path("when", acting.when, name="when"),
    path("on/C-<int:number>", acting.promise, name="promise"),
    path("P-<int:number>/keep", acting.keep, name="keep"),
    path("P-<int:number>/change", acting.change, name="change"),
    path("P-<int:number>/break", acting.break_it, name="break"),
    path("P-<int:number>/release", acting.release, name="release"),
    path("P-<int:number>/undo", acting.undo, name="undo"),
    path("found/<uuid:found_id>/confirm", acting.confirm, name="confirm"),
    path("found/<uuid:found_id>/dismiss", acting.dismiss, name="dismiss"),
]

from django.urls import path

from makegood.prevent.incidents.views import affected

app_name = "affected"
urlpatterns = [
    path("", affected.affected, name="list"),
    path("cut", affected.cut, name="cut"),
    path("preview", affected.preview, name="preview"),
    path("values/<str:dimension>", affected.values, name="values"),
    path("export.csv", affected.export, name="export"),
]

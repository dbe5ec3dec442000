from django.urls import path

from makegood.prevent.improvements import views

app_name = "improvements"
urlpatterns = [
    path("", views.improvements, name="list"),
    path("export.csv", views.export, name="export"),
    path("new", views.plan, name="plan"),
    path("A-<int:number>/", views.improvement, name="one"),
    path("A-<int:number>/hypothesis", views.hypothesis, name="hypothesis"),
    path("A-<int:number>/begin", views.begin, name="begin"),
    path("A-<int:number>/finish", views.finish, name="finish"),
    path("A-<int:number>/drop", views.drop, name="drop"),
    path("A-<int:number>/words", views.words, name="words"),
]

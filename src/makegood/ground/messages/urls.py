from django.urls import path

from makegood.ground.messages import views

app_name = "messages"
urlpatterns = [
    path("", views.outbox, name="outbox"),
    path("export.csv", views.export, name="export"),
    path("<uuid:message_id>/again", views.send_again, name="send_again"),
]

from django.apps import AppConfig


class MessagesConfig(AppConfig):
    name = "makegood.ground.messages"
    label = "outbox"
    verbose_name = "Messages"

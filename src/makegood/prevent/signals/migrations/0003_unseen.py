from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("signals", "0002_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(condition=models.Q(("state", "new")), fields=["closed_at"], name="signal_unseen"),
        ),
    ]

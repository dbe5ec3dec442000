"""The sequence that gives incidents the numbers people say."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL("CREATE SEQUENCE incident_number START 1", "DROP SEQUENCE incident_number")]

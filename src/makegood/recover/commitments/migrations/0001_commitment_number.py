"""The sequence that gives promises the numbers people say."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL("CREATE SEQUENCE commitment_number START 1", "DROP SEQUENCE commitment_number")]

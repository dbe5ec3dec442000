"""The sequence that gives improvements the numbers people say."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL("CREATE SEQUENCE improvement_number START 1", "DROP SEQUENCE improvement_number")]

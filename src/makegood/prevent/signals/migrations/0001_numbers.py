"""The sequence that gives signals the numbers people say."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL("CREATE SEQUENCE signal_number START 1", "DROP SEQUENCE signal_number")]

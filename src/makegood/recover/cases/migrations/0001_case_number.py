"""The sequence that gives cases the numbers people say on the phone."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL("CREATE SEQUENCE case_number START 1", "DROP SEQUENCE case_number")]

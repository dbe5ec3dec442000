"""The sequence that gives outreaches the numbers people say."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL("CREATE SEQUENCE outreach_number START 1", "DROP SEQUENCE outreach_number")]

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0003_initial"),
        ("retail", "0003_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="Usual",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="retail.source",
                    ),
                ),
                (
                    "valued_from",
                    models.DecimalField(
                        decimal_places=2, help_text="One customer in ten has spent so much.", max_digits=14, null=True
                    ),
                ),
                ("claims", models.JSONField(default=list)),
                ("measured_at", models.DateTimeField()),
            ],
        ),
    ]

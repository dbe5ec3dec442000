import django.db.models.deletion
import django.db.models.functions.text
import makegood.ids
from django.conf import settings
from django.db import migrations, models


# Who one person is: by the reference that their source gives accounts, and by what colleagues said, followed until nobody
# new is found; 25 accounts at most.
PERSON = """
CREATE FUNCTION retail_person(account uuid) RETURNS TABLE (id uuid) LANGUAGE sql STABLE PARALLEL SAFE ROWS 2 AS $$
    WITH RECURSIVE person (id) AS (
        SELECT account
        UNION
        SELECT next.id FROM person CROSS JOIN LATERAL (
            (SELECT other.id
             FROM retail_customer k
             JOIN retail_customer other ON other.person_ref = k.person_ref AND other.person_ref > ''
                 AND other.source_id = k.source_id
             WHERE k.id = person.id AND k.person_ref > '' AND NOT EXISTS (
                 SELECT FROM retail_personlink alone
                 WHERE alone.a_id = ANY(ARRAY[k.id, other.id]) AND alone.b_id IS NULL AND alone.ended_at IS NULL)
             LIMIT 25)
            UNION ALL
            SELECT l.b_id FROM retail_personlink l WHERE l.a_id = person.id AND l.same AND l.ended_at IS NULL
            UNION ALL
            SELECT l.a_id FROM retail_personlink l WHERE l.b_id = person.id AND l.same AND l.ended_at IS NULL
        ) AS next
    )
    SELECT person.id FROM person LIMIT 25
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("retail", "0002_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonLink",
            fields=[
                ("id", models.UUIDField(default=makegood.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("same", models.BooleanField(help_text="One person has both.")),
                ("at", models.DateTimeField()),
                ("why", models.CharField(blank=True, default="", max_length=300)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                django.db.models.functions.text.Right(
                    models.Func(
                        "phone", models.Value("\\D"), models.Value(""), models.Value("g"), function="regexp_replace"
                    ),
                    9,
                ),
                condition=models.Q(("phone__gt", "")),
                name="customer_phone_digits",
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                django.db.models.functions.text.Upper(
                    django.db.models.functions.text.Replace("postal_code", models.Value(" "), models.Value(""))
                ),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("name__gt", ""), ("postal_code__gt", "")),
                name="customer_name_at_home",
            ),
        ),
        migrations.AddField(
            model_name="personlink",
            name="a",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="retail.customer"
            ),
        ),
        migrations.AddField(
            model_name="personlink",
            name="b",
            field=models.ForeignKey(
                blank=True,
                help_text="Of the two the one with the greater id; empty: `a` stands alone.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="retail.customer",
            ),
        ),
        migrations.AddField(
            model_name="personlink",
            name="by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="personlink",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="personlink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("b__gt", models.F("a")), ("b__isnull", False)),
                    models.Q(("b__isnull", True), ("same", False)),
                    _connector="OR",
                ),
                name="personlink_two_or_alone",
            ),
        ),
        migrations.AddConstraint(
            model_name="personlink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("ended_by", None)),
                    models.Q(("ended_at__isnull", False), ("ended_by__isnull", False)),
                    _connector="OR",
                ),
                name="personlink_end_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="personlink",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("a", "b"),
                name="personlink_said_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="trackingevent",
            index=models.Index(condition=models.Q(("kind", "lost")), fields=["at"], name="tracking_lost"),
        ),
        migrations.RunSQL(PERSON, "DROP FUNCTION retail_person(uuid)"),
    ]

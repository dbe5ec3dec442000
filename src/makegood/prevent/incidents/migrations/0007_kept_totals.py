from django.db import migrations, models

# Numbers of the last finished look of each incident, as `services.affecting.count_up` keeps them from now on.
FILL = """
UPDATE incidents_snapshot s SET "left" = told."left", added = told.added, worth = told.worth
FROM (
    SELECT DISTINCT ON (incident_id) id, incident_id FROM incidents_snapshot
    WHERE finished_at IS NOT NULL ORDER BY incident_id, at DESC
) AS last CROSS JOIN LATERAL (
    SELECT coalesce(sum(kept.left), 0) AS "left", coalesce(sum(kept.added), 0) AS added,
        coalesce(jsonb_agg(jsonb_build_array(currency, value::text) ORDER BY currency) FILTER (WHERE value IS NOT NULL),
                 '[]') AS worth
    FROM (
        SELECT currency, count(*) FILTER (WHERE left_at IS NOT NULL) AS left,
            count(*) FILTER (WHERE left_at IS NULL AND found_at > first.at) AS added,
            sum(value) FILTER (WHERE left_at IS NULL) AS value
        FROM incidents_affectedorder a
        CROSS JOIN (SELECT min(at) AS at FROM incidents_snapshot
                    WHERE incident_id = last.incident_id AND finished_at IS NOT NULL) AS first
        WHERE a.incident_id = last.incident_id GROUP BY currency
    ) AS kept
) AS told
WHERE s.id = last.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0006_what_was_merged"),
        ("retail", "0006_payments_taken_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="added",
            field=models.PositiveIntegerField(default=0, help_text="Orders that the first look did not find."),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="left",
            field=models.PositiveIntegerField(default=0, help_text="Found before, and no longer meant."),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="worth",
            field=models.JSONField(default=list, help_text="Of its orders: [[currency, sum], ...]."),
        ),
        migrations.AddIndex(
            model_name="affectedorder",
            index=models.Index(
                condition=models.Q(("left_at", None)), fields=["incident", "customer"], name="affected_by_customer"
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]

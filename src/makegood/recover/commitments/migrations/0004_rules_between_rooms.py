"""Rules that tie promises to cases and to colleagues. Each reads its rows after the lock on the row that changes."""

from django.db import migrations

# Which promises stand in the way travels in the detail of the error, for whoever puts it into words.
RESOLVING = """
CREATE FUNCTION case_has_no_open_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    promised json;
BEGIN
    SELECT json_agg(json_build_object(
            'number', p.number, 'text', p.text, 'due_at', p.due_at,
            'owner', coalesce(nullif(btrim(u.first_name || ' ' || u.last_name), ''), u.username)) ORDER BY p.due_at)
    INTO promised
    FROM commitments_commitment p JOIN staff_user u ON u.id = p.owner_id
    WHERE p.case_id = NEW.id AND p.state = 'open';
    IF promised IS NOT NULL THEN
        RAISE EXCEPTION 'a case with an open promise cannot be resolved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'case_has_no_open_commitment',
                  DETAIL = json_build_object('number', NEW.number, 'promises', promised)::text;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_has_no_open_commitment BEFORE UPDATE OF resolved_at ON cases_case
    FOR EACH ROW WHEN (OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL)
    EXECUTE FUNCTION case_has_no_open_commitment();
"""

LEAVING = """
CREATE FUNCTION owner_of_open_commitment_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM commitments_commitment WHERE owner_id = NEW.id AND state = 'open') THEN
        RAISE EXCEPTION 'somebody who owns an open promise cannot leave'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_of_open_commitment_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER owner_of_open_commitment_stays BEFORE UPDATE OF is_active ON staff_user
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION owner_of_open_commitment_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("commitments", "0003_initial"), ("cases", "0003_initial"), ("staff", "0001_initial")]
    operations = [
        migrations.RunSQL(
            RESOLVING,
            "DROP TRIGGER case_has_no_open_commitment ON cases_case; DROP FUNCTION case_has_no_open_commitment();",
        ),
        migrations.RunSQL(
            LEAVING,
            "DROP TRIGGER owner_of_open_commitment_stays ON staff_user; DROP FUNCTION owner_of_open_commitment_stays();",
        ),
    ]

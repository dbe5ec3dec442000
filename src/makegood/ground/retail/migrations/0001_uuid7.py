"""`makegood_uuid7()`: identifiers for rows that SQL makes, on PostgreSQL 18 by its own function, before by ours."""

from django.db import migrations

CREATE = """
DO $do$
BEGIN
  IF current_setting('server_version_num')::int >= 180000 THEN
    CREATE OR REPLACE FUNCTION makegood_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
      AS 'SELECT uuidv7()';
  ELSE
    -- RFC 9562: 48 bits of milliseconds, then version 7 over the random bits of a version 4.
    CREATE OR REPLACE FUNCTION makegood_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
      AS $fn$
        SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
          PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
          FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
      $fn$;
  END IF;
END
$do$
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION makegood_uuid7()")]

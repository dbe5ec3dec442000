-- A retailer with years of cases, made inside the database. Every value follows from the number of its row, so the same
-- size always gives the same rows (but for the time, which counts back from the moment of making).
--
-- Functions are single expressions as volatile as what they call, so that PostgreSQL puts them in place: ten times faster.
--
-- bench.cases(), bench.orders(), bench.customers(), bench.now() are made by generate.py; so are the tables bench.first_name,
-- bench.last_name (nr, name), bench.harm (severity, answer, resolve, shift) and bench.people (nr, id).

-- step: what the rows are made with
CREATE FUNCTION bench.begun() RETURNS timestamptz STABLE PARALLEL SAFE RETURN bench.now() - interval '1095 days';

-- A number from 0 to 1 that looks drawn: from a row's number and what it is for.
CREATE FUNCTION bench.u(n bigint, salt bigint) RETURNS float8 IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, salt) & 1048575) / 1048576::float8;

-- A UUIDv7 in which time and number of a row can be read.
CREATE FUNCTION bench.uuid(at timestamptz, kind int, n bigint) RETURNS uuid STABLE PARALLEL SAFE
RETURN (lpad(to_hex((date_part('epoch', at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
        || '8' || lpad(to_hex(n), 15, '0'))::uuid;

CREATE FUNCTION bench.customer(n bigint) RETURNS uuid STABLE PARALLEL SAFE
RETURN bench.uuid(bench.begun() - interval '400 days', 1, n);

-- Orders are placed 2 to 14 days before the case that some of them become.
CREATE FUNCTION bench.placed(i bigint) RETURNS timestamptz STABLE PARALLEL SAFE
RETURN bench.begun() + interval '1095 days' * (i::float8 / bench.orders()) - interval '1 day' * (2 + 12 * bench.u(i, 20));

CREATE FUNCTION bench."order"(i bigint) RETURNS uuid STABLE PARALLEL SAFE RETURN bench.uuid(bench.placed(i), 2, i);

CREATE FUNCTION bench.shipment(i bigint) RETURNS uuid STABLE PARALLEL SAFE RETURN bench.uuid(bench.placed(i), 3, i);

-- Some buy often: the first tenth of customers places a fifth of the orders.
CREATE FUNCTION bench.buyer(i bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE
RETURN 1 + floor(bench.customers() * power(bench.u(i, 21), 1.4))::bigint;

-- Two in five orders are bought in one of 24 stores, the first ones being the larger.
CREATE FUNCTION bench.store(i bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN bench.u(i, 22) < 0.4 THEN 1 + floor(24 * power(bench.u(i, 23), 1.3))::bigint END;

CREATE FUNCTION bench.place(kind int, n bigint) RETURNS uuid STABLE PARALLEL SAFE
RETURN bench.uuid(bench.begun() - interval '500 days', 16 + kind, n);

CREATE FUNCTION bench.vendor(n bigint) RETURNS uuid STABLE PARALLEL SAFE
RETURN bench.uuid(bench.begun() - interval '500 days', 4, n);

CREATE FUNCTION bench.product(n bigint) RETURNS uuid STABLE PARALLEL SAFE
RETURN bench.uuid(bench.begun() - interval '500 days', 5, n);

-- 240,000 words of three syllables. Low numbers are said often: the 50th in some thousands of a million cases, most of
-- them in twenty or so, and the first in a tenth of all.
CREATE FUNCTION bench.spell(m bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN substr(bench.syllables(), (1 + 2 * (m % 60))::int, 2) || substr(bench.syllables(), (1 + 2 * (m / 60 % 60))::int, 2)
       || substr(bench.syllables(), (1 + 2 * (m / 3600 % 60))::int, 2) || CASE WHEN m >= 216000 THEN 'n' ELSE '' END;

CREATE FUNCTION bench.word(k bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (SELECT bench.spell(m) FROM (SELECT k * 7919 % 240000 AS m OFFSET 0) AS mixed);

-- step: places, vendors, products
INSERT INTO retail_source (slug, name, time_zone, currency) VALUES ('bench', 'Bench', 'UTC', 'EUR');

CREATE FUNCTION bench.source() RETURNS smallint STABLE PARALLEL SAFE RETURN (SELECT id FROM retail_source WHERE slug = 'bench');

INSERT INTO retail_place (id, source_id, ref, kind, name, parent_id, time_zone, city, state, country)
SELECT bench.place(0, 1), (SELECT bench.source()), 'R1', 'region', 'All of it', NULL::uuid, 'UTC', '', '', 'DE'
UNION ALL
SELECT bench.place(1, d), (SELECT bench.source()), 'D' || d, 'district', 'District ' || d, bench.place(0, 1), 'UTC', '', '', 'DE'
FROM generate_series(1, 4) d
UNION ALL
SELECT bench.place(2, s), (SELECT bench.source()), 'S' || s, 'store', initcap(bench.word(s)), bench.place(1, 1 + s % 4), 'UTC',
       initcap(bench.word(s)), '', 'DE'
FROM generate_series(1, 24) s
UNION ALL
SELECT bench.place(3, w), (SELECT bench.source()), 'W' || w, 'warehouse', 'Warehouse ' || w, NULL, 'UTC', '', '', 'DE'
FROM generate_series(1, 2) w;

INSERT INTO staff_user_places (user_id, place_id)
SELECT id, bench.place(1, 1) FROM staff_user WHERE username = 'sam';

-- Four carriers, then 40 manufacturers.
INSERT INTO retail_vendor (id, source_id, ref, kind, name, email, city, state, country)
SELECT bench.vendor(v), (SELECT bench.source()), 'V' || v, CASE WHEN v <= 4 THEN 'carrier' ELSE 'manufacturer' END,
       initcap(bench.word(v + 100)), '', '', '', ''
FROM generate_series(1, 44) v;

INSERT INTO retail_product (id, source_id, ref, name, category, manufacturer_id, warranty_months)
SELECT bench.product(p), (SELECT bench.source()), 'P' || p, initcap(bench.word(p + 200) || ' ' || bench.word(p % 40 + 9000)),
       'category ' || p % 30, bench.vendor(5 + p % 40), 24
FROM generate_series(1, 2000) p;

-- step: customers
INSERT INTO retail_customer (id, source_id, ref, name, email, phone, language, loyalty_tier, lifetime_value, person_ref, city,
                             state, postal_code, country, changed_at)
SELECT bench.customer(n), (SELECT bench.source()), 'K' || n, f.name || ' ' || l.name,
       lower(f.name || '.' || l.name || n || '@mail.example.com'), '+44 1632 ' || lpad((n % 1000000)::text, 6, '0'), 'en',
       CASE WHEN bench.u(n, 10) < 0.05 THEN 'platinum' WHEN bench.u(n, 10) < 0.15 THEN 'gold'
            WHEN bench.u(n, 10) < 0.4 THEN 'silver' ELSE '' END,
       round((2000 * power(bench.u(n, 11), 3))::numeric, 2), CASE WHEN bench.u(n, 12) < 0.05 THEN 'H' || n / 2 ELSE '' END,
       initcap(bench.word(floor(300 * bench.u(n, 13))::bigint + 50000)), 'State ' || n % 16, lpad((n % 100000)::text, 5, '0'), 'DE',
       bench.begun()
FROM generate_series(1, bench.customers()) n
JOIN bench.first_name f ON f.nr = floor(bench.u(n, 14) * (SELECT count(*) FROM bench.first_name))
JOIN bench.last_name l ON l.nr = floor(bench.u(n, 15) * (SELECT count(*) FROM bench.last_name));

-- step: orders
INSERT INTO retail_order (id, source_id, ref, customer_id, place_id, channel, status, placed_at, paid_at, promised_at, total,
                          currency, changed_at)
SELECT bench."order"(i), (SELECT bench.source()), 'O-' || 100000000 + i * 7, bench.customer(bench.buyer(i)), bench.place(2, bench.store(i)),
       CASE WHEN bench.store(i) IS NULL THEN 'online' WHEN bench.u(i, 24) < 0.5 THEN 'pickup' ELSE 'store' END, 'delivered',
       bench.placed(i), bench.placed(i), bench.placed(i) + interval '4 days', round((9 + 700 * power(bench.u(i, 25), 3))::numeric, 2),
       'EUR', bench.placed(i)
FROM generate_series(1, bench.orders()) i;

-- step: order lines and payments
INSERT INTO retail_orderline (id, source_id, ref, order_id, product_id, position, quantity, unit_price, freight, batch, changed_at)
SELECT bench.uuid(bench.placed(i), 6, i * 2 + line), (SELECT bench.source()), i || '-' || line, bench."order"(i),
       bench.product(1 + floor(2000 * power(bench.u(i, 30 + line), 2))::bigint), line, 1,
       round((9 + 700 * power(bench.u(i, 25), 3))::numeric / 2, 2), 4.90, '', bench.placed(i)
FROM generate_series(1, bench.orders()) i, generate_series(1, 2) line
WHERE line = 1 OR bench.u(i, 26) < 0.5;

INSERT INTO retail_payment (id, source_id, ref, order_id, method, amount, paid_at, changed_at)
SELECT bench.uuid(bench.placed(i), 7, i), (SELECT bench.source()), 'Z' || i, bench."order"(i), 'card',
       round((9 + 700 * power(bench.u(i, 25), 3))::numeric, 2), bench.placed(i), bench.placed(i)
FROM generate_series(1, bench.orders()) i;

-- step: shipments and scans
INSERT INTO retail_shipment (id, source_id, ref, order_id, carrier_id, warehouse_id, tracking_number, from_state, to_state,
                             handover_due_at, handed_over_at, promised_at, delivered_at, changed_at)
SELECT bench.shipment(i), (SELECT bench.source()), 'X' || i, bench."order"(i), bench.vendor(1 + i % 4), bench.place(3, 1 + i % 2),
       'TR' || 5000000000 + i * 13, 'State ' || i % 2, 'State ' || i % 16, bench.placed(i) + interval '1 day',
       bench.placed(i) + interval '1 day' * bench.u(i, 27), bench.placed(i) + interval '4 days',
       CASE WHEN bench.u(i, 28) < 0.9 THEN bench.placed(i) + interval '1 day' * (1 + 5 * bench.u(i, 28)) END, bench.placed(i)
FROM generate_series(1, bench.orders()) i WHERE bench.store(i) IS NULL;

INSERT INTO retail_trackingevent (id, source_id, ref, shipment_id, at, kind, location, description, changed_at)
SELECT bench.uuid(bench.placed(i), 8, i * 4 + scan), (SELECT bench.source()), i || '-' || scan, bench.shipment(i),
       bench.placed(i) + interval '1 day' * (scan + bench.u(i, 40 + scan)),
       (ARRAY['accepted', 'in_transit', 'out_for_delivery', 'delivered'])[scan], 'Hub ' || i % 50, '', bench.placed(i)
FROM generate_series(1, bench.orders()) i, generate_series(1, 4) scan
WHERE bench.store(i) IS NULL AND (scan < 4 OR bench.u(i, 28) < 0.9);

-- step: the plan of every case
-- How likely a case is still open falls with its age; in all one in 25 is.
CREATE UNLOGGED TABLE bench.plan AS
WITH drawn AS (
    SELECT n, n + n / 5 AS i, bench.begun() + interval '1095 days' * (n::float8 / (bench.cases() + 1)) AS opened_at,
           exp(- (bench.cases() - n)::float8 / (0.04 * bench.cases())) > bench.u(n, 50) AS open,
           bench.u(n, 51) < 0.85 AS heard, bench.u(n, 52) < 0.65 AS answered, bench.u(n, 53) < 0.6 AS taken,
           CASE WHEN bench.u(n, 54) < 0.02 THEN 10 ELSE 0 END AS notes
    FROM generate_series(1, bench.cases()) n
), timed AS (
    SELECT d.*, least(d.opened_at + interval '1 day' * (0.3 + 9 * bench.u(n, 55)), bench.now()) AS ended_at
    FROM drawn d
), reasons AS (
    SELECT row_number() OVER (ORDER BY severity, code) - 1 AS k, r.* FROM cases_reason r WHERE code LIKE '%.%'
)
SELECT t.*, bench.uuid(t.opened_at, 32, t.n) AS id, o.customer_id, o.id AS order_id, o.place_id, o.ref AS order_ref, o.total,
       CASE WHEN o.place_id IS NULL THEN bench.shipment(t.i) END AS shipment_id, k.name AS customer, k.email, k.loyalty_tier,
       p.name AS failed, r.id AS reason_id, r.name AS reason, r.locus, r.queue_id, h.severity, h.answer, h.resolve,
       h.shift + CASE WHEN k.loyalty_tier IN ('gold', 'platinum') THEN interval '4 hours' ELSE interval '0' END
               + CASE WHEN o.total >= 500 THEN interval '4 hours' ELSE interval '0' END AS shift,
       w.id AS staff_id, CASE WHEN t.taken OR NOT t.open THEN w.id END AS assignee_id,
       (ARRAY['email', 'email', 'email', 'phone', 'chat', 'web', 'store'])[1 + floor(7 * bench.u(t.n, 56))] AS channel,
       words.asked, words.said, words.found, 2 + t.heard::int + t.answered::int + t.taken::int + t.notes + (NOT t.open)::int AS version
FROM timed t
CROSS JOIN LATERAL (
    SELECT string_agg(bench.spell(m), ' ') FILTER (WHERE w <= 9) AS asked, string_agg(bench.spell(m), ' ') FILTER (WHERE w BETWEEN 10 AND 14) AS said,
           string_agg(bench.spell(m), ' ') FILTER (WHERE w >= 15) AS found
    FROM (SELECT w, floor(240000 * power(bench.u(t.n, 100 + w), 3))::bigint * 7919 % 240000 AS m
          FROM generate_series(1, 17) w OFFSET 0) AS drawn
) words
JOIN retail_order o ON o.id = bench."order"(t.i)
JOIN retail_customer k ON k.id = o.customer_id
JOIN retail_product p ON p.id = bench.product(1 + floor(2000 * power(bench.u(t.i, 31), 2))::bigint)
JOIN reasons r ON r.k = floor((SELECT count(*) FROM reasons) * power(bench.u(t.n, 57), 1.5))
JOIN bench.harm h ON h.severity = greatest(1, r.severity - (bench.u(t.n, 58) < 0.2)::int)
JOIN bench.people w ON w.nr = floor((SELECT count(*) FROM bench.people) * bench.u(t.n, 59));

-- step: contacts
INSERT INTO cases_contact (id, case_id, channel, direction, author, staff_id, subject, body, language, at)
SELECT bench.uuid(opened_at, 33, n), id, channel, 'in', customer, NULL, reason || ': ' || failed,
       'Hello, ' || lower(reason) || '. My order ' || CASE WHEN bench.u(n, 60) < 0.3 THEN order_ref ELSE '' END
       || ' for ' || failed || ' ' || asked || '. Please help, ' || customer, 'en', opened_at
FROM bench.plan WHERE heard
ORDER BY n;

INSERT INTO cases_contact (id, case_id, channel, direction, author, staff_id, subject, body, language, at)
SELECT bench.uuid(opened_at + (ended_at - opened_at) * 0.4, 34, n), id, CASE WHEN heard THEN channel ELSE 'email' END, 'out', '',
       staff_id, reason || ': ' || failed, 'Dear ' || customer || ', thank you for writing to us. We ' || said
       || ' and we are sorry.', 'en', opened_at + (ended_at - opened_at) * 0.4
FROM bench.plan WHERE answered
ORDER BY n;

-- step: notes and sent messages
INSERT INTO cases_note (id, case_id, staff_id, body, at)
SELECT bench.uuid(at, 35, n * 16 + k), id, staff_id, 'Called the depot: ' || said, at
FROM (SELECT *, opened_at + (ended_at - opened_at) * (0.4 + 0.05 * k) AS at FROM bench.plan, generate_series(1, notes) k) noted
ORDER BY n;

INSERT INTO outbox_message (id, idempotency_key, about, recipient, subject, body, message_id, in_reply_to, status, created_at, due_at,
                            attempts, last_error, sent_at, place_id)
SELECT t.id, 'reply:' || t.id, 'case:' || p.id, p.email, t.subject, t.body, '<' || t.id || '@bench.example.com>', '', 'sent', t.at, t.at,
       1, '', t.at + interval '5 seconds', p.place_id
FROM cases_contact t JOIN bench.plan p ON p.id = t.case_id WHERE t.direction = 'out' AND t.channel = 'email';

-- step: cases, with the words they are found by
-- The words are put together as recover/cases/services/opening.py does in index_cases.
INSERT INTO cases_case (id, number, origin, customer_id, order_id, shipment_id, place_id, subject, failed, channel, reason_id, locus,
    severity, tier, queue_id, assignee_id, status, value, currency, opened_at, last_contact_at, last_contact_by, first_response_at,
    due_at, rank_at, outcome, cause, resolved_at, resolved_by_id, split_key, version, changed_at, search)
SELECT p.id, p.n, '', p.customer_id, p.order_id, p.shipment_id, p.place_id, p.reason || ': ' || p.failed, p.failed,
    CASE WHEN p.heard THEN p.channel ELSE '' END, p.reason_id, p.locus, p.severity,
    CASE WHEN p.severity <= 2 THEN 'specialist' ELSE 'frontline' END, p.queue_id, p.assignee_id,
    CASE WHEN NOT p.open THEN 'resolved' WHEN NOT p.answered THEN 'new' WHEN bench.u(p.n, 61) < 0.5 THEN 'waiting_customer'
         WHEN bench.u(p.n, 61) < 0.65 THEN 'waiting_partner' ELSE 'open' END,
    p.total, 'EUR', p.opened_at, coalesce(t.last_at, CASE WHEN p.heard THEN p.opened_at END),
    CASE WHEN p.answered THEN 'us' WHEN p.heard THEN 'customer' ELSE '' END, t.last_at, d.due_at, d.due_at - p.shift,
    CASE WHEN p.open THEN '' WHEN bench.u(p.n, 62) < 0.7 THEN 'recovered' WHEN bench.u(p.n, 62) < 0.9 THEN 'explained' ELSE 'partly' END,
    CASE WHEN p.open THEN '' ELSE 'Found: ' || p.found END,
    CASE WHEN NOT p.open THEN p.ended_at END, CASE WHEN NOT p.open THEN p.staff_id END, '', p.version,
    CASE WHEN p.open THEN coalesce(t.last_at, p.opened_at) ELSE p.ended_at END,
    setweight(to_tsvector('simple', concat_ws(' ', 'C-' || p.n, p.n, p.order_ref, p.customer, p.email)), 'A')
        || setweight(to_tsvector('simple', concat_ws(' ', p.reason || ': ' || p.failed, p.failed)), 'B')
        || to_tsvector('simple', coalesce(t.said, ''))
FROM bench.plan p
CROSS JOIN LATERAL (SELECT p.opened_at + CASE WHEN p.answered THEN p.resolve ELSE p.answer END AS due_at) d
LEFT JOIN (
    SELECT case_id, string_agg(body, ' ' ORDER BY at) AS said, max(at) FILTER (WHERE direction = 'out') AS last_at
    FROM cases_contact GROUP BY case_id
) t ON t.case_id = p.id
ORDER BY p.n;

SELECT setval('case_number', bench.cases());

-- step: timelines
-- In the order in which they happened, as a living database has them: the events of one case lie far apart.
CREATE UNLOGGED TABLE bench.event AS
SELECT p.n, 1 AS rank, 'opened' AS kind, c.opened_at AS at, NULL::uuid AS actor_id, 'A contact opened it: ' || p.reason || '.' AS why,
       to_jsonb(c) - ARRAY['id', 'number', 'search', 'changed_at', 'version'] || '{"status": "new", "assignee_id": null, "outcome": "",
       "cause": "", "resolved_at": null, "resolved_by_id": null, "last_contact_at": null, "first_response_at": null}' AS changes,
       jsonb_build_object('order', p.order_ref) AS facts
FROM bench.plan p JOIN cases_case c ON c.id = p.id
UNION ALL
SELECT n, 2, 'triaged', opened_at, NULL, 'Normal severity. Gold customer.',
       jsonb_build_object('severity', severity, 'tier', 'frontline', 'queue_id', queue_id, 'due_at', opened_at + answer,
                          'rank_at', opened_at + answer - shift), '{}' FROM bench.plan
UNION ALL
SELECT n, 3, 'contact', opened_at, NULL, '', jsonb_build_object('last_contact_at', opened_at, 'last_contact_by', 'customer'),
       jsonb_build_object('contact', bench.uuid(opened_at, 33, n), 'channel', channel, 'direction', 'in') FROM bench.plan WHERE heard
UNION ALL
SELECT n, 4, 'assigned', opened_at + (ended_at - opened_at) * 0.2, staff_id, '', jsonb_build_object('assignee_id', staff_id), '{}'
FROM bench.plan WHERE taken
UNION ALL
SELECT n, 5, 'contact', opened_at + (ended_at - opened_at) * 0.4, staff_id, '',
       jsonb_build_object('last_contact_at', opened_at + (ended_at - opened_at) * 0.4, 'last_contact_by', 'us'),
       jsonb_build_object('contact', bench.uuid(opened_at + (ended_at - opened_at) * 0.4, 34, n), 'channel', channel, 'direction', 'out')
FROM bench.plan WHERE answered
UNION ALL
SELECT n, 5 + k, 'note', at, staff_id, '', '{}', jsonb_build_object('note', bench.uuid(at, 35, n * 16 + k))
FROM (SELECT *, opened_at + (ended_at - opened_at) * (0.4 + 0.05 * k) AS at FROM bench.plan, generate_series(1, notes) k) noted
UNION ALL
SELECT n, 16, 'resolved', ended_at, staff_id, '',
       jsonb_build_object('status', 'resolved', 'resolved_at', ended_at, 'outcome', 'recovered', 'cause', '', 'resolved_by_id', staff_id), '{}'
FROM bench.plan WHERE NOT open;

INSERT INTO cases_caseevent (id, case_id, seq, kind, at, actor_id, why, changes, facts)
SELECT bench.uuid(e.at, 48 + e.rank, e.n), p.id, e.seq, e.kind, e.at, e.actor_id, e.why, e.changes, e.facts
FROM (SELECT *, row_number() OVER (PARTITION BY n ORDER BY rank) AS seq FROM bench.event) e
JOIN bench.plan p ON p.n = e.n
ORDER BY e.at, e.n, e.rank;

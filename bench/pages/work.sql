-- What people do on cases, on top of `retailer.sql`, once indexes and constraints stand again: promises, clocks, merges,
-- notices, files, and timelines of 200 events. Later rooms add theirs here.

-- step: clocks
-- Whose clocks run: those of open cases that wait for nobody. What ran out before now was told.
UPDATE cases_case SET first_answer_from = opened_at, answer_from = CASE WHEN last_contact_by <> 'us' THEN opened_at END,
    answer_due_at = CASE WHEN last_contact_by <> 'us' THEN due_at END,
    notice_at = CASE WHEN due_at > bench.now() THEN due_at END
WHERE resolved_at IS NULL;

-- step: merged cases, parents
-- One in a hundred resolved cases was the same as the one before; one in fifty open cases is one of many.
UPDATE cases_case c SET merged_into_id = into_it.id, outcome = 'duplicate'
FROM cases_case into_it
WHERE c.number % 100 = 0 AND c.resolved_at IS NOT NULL AND into_it.number = c.number - 1;

UPDATE cases_case c SET parent_id = p.id
FROM (SELECT id, number FROM cases_case WHERE resolved_at IS NULL AND number % 500 = 499) p
WHERE c.resolved_at IS NULL AND c.number % 50 = 1 AND c.number / 500 = p.number / 500;

-- step: promises
-- Of each open case one that was kept and one that is to come; of one in five resolved cases one, kept or not.
CREATE TABLE bench.promised AS
SELECT c.id AS case_id, c.number AS n, coalesce(c.assignee_id, (SELECT id FROM staff_user ORDER BY id LIMIT 1)) AS owner_id, c.opened_at,
       c.resolved_at, CASE WHEN part = 2 THEN bench.now() + interval '5 days' * (bench.u(c.number, 71) - 0.02)
                           ELSE c.opened_at + interval '1 day' * (0.1 + bench.u(c.number, 72)) END AS due_at, part,
       part = 2 AS open, bench.u(c.number, 73) AS luck
FROM cases_case c, generate_series(1, 2) part
WHERE c.resolved_at IS NULL OR part = 1 AND c.number % 5 = 0;

INSERT INTO commitments_commitment (id, "to", kind, text, said_as, due_at, first_due_at, owner_id, case_id, made_at, made_by_id, state,
                                    ended_at, ended_by_id, agreed_by, next_notice, next_notice_at)
SELECT bench.uuid(made_at, 64 + part, n), 'customer', (ARRAY['call', 'answer', 'refund', 'replacement'])[1 + n % 4],
       'We call and say where it is', 'tomorrow', due_at, due_at, owner_id, case_id, made_at, owner_id, state,
       CASE state WHEN 'open' THEN NULL WHEN 'kept' THEN due_at - interval '10 minutes' ELSE due_at + interval '2 hours' END,
       CASE WHEN state <> 'open' THEN owner_id END, '',
       CASE WHEN NOT open THEN '' WHEN due_at > bench.now() THEN 'due' ELSE 'escalation' END,
       CASE WHEN open THEN greatest(due_at, bench.now() + interval '1 hour') END
FROM (SELECT *, CASE WHEN open THEN 'open' WHEN luck < 0.85 THEN 'kept' WHEN luck < 0.95 THEN 'kept_late' ELSE 'broken' END AS state,
             least(due_at - interval '1 hour', opened_at + interval '1 hour') AS made_at FROM bench.promised) promised
ORDER BY due_at;

INSERT INTO commitments_suggestion (id, case_id, event_id, start, words, "to", kind, said_as, due_at, author_id, found_at, state)
SELECT bench.uuid(e.at, 67, c.number), c.id, e.id, 10, 'I will call you by Thursday', 'customer', 'call', 'Thursday',
       bench.now() + interval '2 days', e.actor_id, e.at, 'waiting'
FROM cases_case c JOIN LATERAL (
    SELECT * FROM cases_caseevent e WHERE e.case_id = c.id AND e.kind = 'contact' AND e.actor_id IS NOT NULL LIMIT 1) e ON true
WHERE c.resolved_at IS NULL AND c.number % 10 = 3;

-- step: notices
INSERT INTO outbox_notice (id, to_id, key, text, link, about, at, read_at)
SELECT bench.uuid(t.at, 68, n), u.id, 'bench:' || n, 'Due now, promised to a customer: Call (P-' || n || ').', '/cases/C-' || 1 + n % bench.cases() || '/',
       'bench:' || n, t.at, CASE WHEN n <= 800 * 60 THEN t.at END
FROM (SELECT *, row_number() OVER (ORDER BY username) - 1 AS nr FROM staff_user) u, generate_series(1, 50000) n,
     LATERAL (SELECT bench.now() - interval '30 seconds' * (50000 - n) AS at) t
WHERE n % 60 = u.nr;

-- step: files
INSERT INTO cases_attachment (id, contact_id, name, type, size, sha256, key, left_out, inline, scan, scan_says)
SELECT bench.uuid(t.at, 69, row_number() OVER (ORDER BY t.id)), t.id, 'photo.jpg', 'image/jpeg', 420000, repeat('a', 64), 'bench/photo', '', false, 'clean', ''
FROM cases_contact t JOIN cases_case c ON c.id = t.case_id WHERE t.direction = 'in' AND c.resolved_at IS NULL;

-- step: timelines of 200 events
-- Of 200 open cases: what was said, noted and promised since, in turns.
CREATE TABLE bench.long AS
SELECT c.id AS case_id, c.number AS n, c.version, c.opened_at, coalesce(c.assignee_id, (SELECT id FROM staff_user ORDER BY id LIMIT 1)) AS staff_id,
       c.subject, k.name AS customer
FROM cases_case c JOIN retail_customer k ON k.id = c.customer_id
WHERE c.resolved_at IS NULL AND c.merged_into_id IS NULL ORDER BY c.opened_at DESC LIMIT 200;

CREATE TABLE bench.turn AS
SELECT l.*, seq, l.opened_at + (bench.now() - l.opened_at) * (seq / 201.0) AS at,
       (ARRAY['in', 'out', 'note', 'status', 'promise'])[1 + seq % 5] AS what,
       'It has not come, and nobody calls. ' || bench.word(seq * 31 + n) || ' ' || bench.word(seq * 17 + n) || E'.\nPlease tell me where it is. '
       || bench.word(seq * 7 + n) AS words
FROM bench.long l, generate_series(l.version + 1, 200) seq;

INSERT INTO cases_contact (id, case_id, channel, direction, author, staff_id, subject, body, language, at)
SELECT bench.uuid(at, 70 + seq, n), case_id, 'email', what, CASE WHEN what = 'in' THEN customer ELSE '' END,
       CASE WHEN what = 'out' THEN staff_id END, subject, words, 'en', at
FROM bench.turn WHERE what IN ('in', 'out');

INSERT INTO cases_note (id, case_id, staff_id, body, at)
SELECT bench.uuid(at, 70 + seq, n), case_id, staff_id, words, at FROM bench.turn WHERE what = 'note';

INSERT INTO cases_caseevent (id, case_id, seq, kind, at, actor_id, why, changes, facts)
SELECT bench.uuid(at, 300 + seq, n), case_id, seq, CASE what WHEN 'in' THEN 'contact' WHEN 'out' THEN 'contact' WHEN 'promise' THEN 'commitment' ELSE what END,
       at, CASE WHEN what <> 'in' THEN staff_id END, '', CASE what WHEN 'status' THEN '{"status": "open"}' ELSE '{}' END::jsonb,
       CASE WHEN what IN ('in', 'out') THEN jsonb_build_object('contact', bench.uuid(at, 70 + seq, n), 'channel', 'email', 'direction', what)
            WHEN what = 'note' THEN jsonb_build_object('note', bench.uuid(at, 70 + seq, n))
            WHEN what = 'promise' THEN jsonb_build_object('did', 'kept', 'kind', 'call', 'number', seq, 'due_at', at) ELSE '{}' END
FROM bench.turn ORDER BY at;

UPDATE cases_case c SET version = 200 FROM bench.long l WHERE c.id = l.case_id;

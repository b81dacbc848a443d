-- Fills what version 7 of the state adds, from what earlier versions kept. `day` is a UTC day.

INSERT INTO days (day, calls, cost)
SELECT strftime('%Y-%m-%d', observed_at / 1000000, 'unixepoch'), 0, sum(cost)
FROM answers WHERE copy = 0 AND cost > 0 GROUP BY 1
ON CONFLICT (day) DO UPDATE SET cost = cost + excluded.cost;

-- What kills cut off, and what calls have cost that are not answered yet: on the latest day that is known of their run.
INSERT INTO days (day, calls, cost)
SELECT strftime('%Y-%m-%d', max(started_at, coalesce((SELECT max(observed_at) FROM answers WHERE run = runs.id), 0)) / 1000000, 'unixepoch'),
       0,
       lost_cost + (SELECT coalesce(sum(cost), 0) FROM tasks WHERE run = runs.id AND status NOT IN ('done', 'given_up'))
FROM runs WHERE true
ON CONFLICT (day) DO UPDATE SET cost = cost + excluded.cost;

UPDATE runs SET
  spent_calls = max(cap_calls, lost_calls + (
    SELECT coalesce(sum(attempts - (billed = 'no')), 0) FROM answers WHERE run = runs.id AND copy = 0
  )),
  spent_cost = max(cap_cost, lost_cost + (
    SELECT coalesce(sum(cost), 0) FROM answers WHERE run = runs.id AND copy = 0
  ) + (
    SELECT coalesce(sum(cost), 0) FROM tasks WHERE run = runs.id AND status NOT IN ('done', 'given_up')
  ));

-- The latest answer says whether a note is asked again; a success that shows nothing says nothing of a note that others showed.
INSERT INTO details (note_id, asked_at, is_due)
SELECT json_extract(params, '$.note_id') AS note, max(observed_at), CASE
  WHEN outcome = 'ok' THEN 1
  WHEN outcome = 'gone' OR vendor_code IN ('404', '201', '-510000', '-510001') THEN 0
  ELSE sum(outcome = 'ok') > 0 OR EXISTS (SELECT 1 FROM listings WHERE note_id = json_extract(params, '$.note_id'))
END
FROM answers
WHERE endpoint = 'note_detail' AND outcome IN ('ok', 'gone', 'empty') AND key NOT LIKE '%forgotten-%' GROUP BY key
ON CONFLICT DO NOTHING;

-- Notes that listings showed, and whose detail was never had.
INSERT INTO details (note_id, asked_at, is_due)
SELECT DISTINCT note_id, 0, 1 FROM listings WHERE note_id NOT LIKE 'forgotten-%'
ON CONFLICT DO NOTHING;

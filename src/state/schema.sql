-- Version 9. Times are microseconds since 1970 (UTC); money is millionths of the vendor's price unit.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- status: running (unfinished) | stopped (unfinished, in good order: the next run has a fresh cap) | complete | abandoned
CREATE TABLE runs (
  id          TEXT PRIMARY KEY,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  status      TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  -- Billed and maybe-billed calls, and their cost, since the cap was last fresh.
  cap_calls   INTEGER NOT NULL DEFAULT 0,
  cap_cost    INTEGER NOT NULL DEFAULT 0,
  -- Calls that a kill left without an answer.
  lost_calls  INTEGER NOT NULL DEFAULT 0,
  lost_cost   INTEGER NOT NULL DEFAULT 0,
  -- Billed and maybe-billed calls, and their cost, since the run began: all runs together are what the dataset has spent.
  spent_calls INTEGER NOT NULL DEFAULT 0,
  spent_cost  INTEGER NOT NULL DEFAULT 0,
  -- Calls that were asked for more than once and are sent once, and what the others would have cost.
  duplicates      INTEGER NOT NULL DEFAULT 0,
  duplicates_cost INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- status: ready | waiting (for its retry) | sent | done | given_up
CREATE TABLE tasks (
  id       INTEGER PRIMARY KEY,
  run      TEXT NOT NULL,
  key      TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  params   TEXT NOT NULL,
  walk     INTEGER,
  -- 0: found by a seed; 1: found by the walk of an author that was discovered; 2: known, and found by no listing.
  level    INTEGER NOT NULL,
  rank     INTEGER NOT NULL,
  status   TEXT NOT NULL,
  sends    INTEGER NOT NULL DEFAULT 0,
  -- Attempts used up, by what they may have cost.
  free     INTEGER NOT NULL DEFAULT 0,
  billable INTEGER NOT NULL DEFAULT 0,
  unknown  INTEGER NOT NULL DEFAULT 0,
  -- All of them: what was tried less goes first.
  tries    INTEGER NOT NULL DEFAULT 0,
  -- What a sent call has reserved, and what all its attempts have cost.
  reserved INTEGER NOT NULL DEFAULT 0,
  cost     INTEGER NOT NULL DEFAULT 0,
  -- When it was last sent.
  sent_at  INTEGER,
  -- What an earlier run's answer made unnecessary to pay; none where the run asks for itself.
  saved    INTEGER,
  -- The vendors that have shown nothing for it, one a line.
  empty_at TEXT,
  UNIQUE (run, key)
);
CREATE INDEX tasks_next ON tasks (run, status, tries, rank, id);

-- One search or one user's notes, walked page after page.
CREATE TABLE walks (
  id           INTEGER PRIMARY KEY,
  run          TEXT NOT NULL,
  name         TEXT NOT NULL,
  seed         INTEGER,
  limits       TEXT NOT NULL,
  -- The part of the walk since it last changed vendor.
  leg          INTEGER NOT NULL DEFAULT 1,
  pages        INTEGER NOT NULL DEFAULT 0,
  admitted     INTEGER NOT NULL DEFAULT 0,
  stale        INTEGER NOT NULL DEFAULT 0,
  tells_sticky INTEGER NOT NULL DEFAULT 0,
  -- Pages of the parts before.
  earlier_pages INTEGER NOT NULL DEFAULT 0,
  -- Distinct notes that were left out, by reason, and those of which `note_type` and `published` can be decided.
  dropped_type      INTEGER NOT NULL DEFAULT 0,
  dropped_published INTEGER NOT NULL DEFAULT 0,
  dropped_since     INTEGER NOT NULL DEFAULT 0,
  decidable         INTEGER NOT NULL DEFAULT 0,
  -- Whether the notes of this part came in descending order of time, and the oldest of them.
  is_time_ordered INTEGER NOT NULL DEFAULT 1,
  oldest          INTEGER,
  -- Answers from this moment on are used again; none: only this run's.
  -- The place of an answer among all answers: later ones are used again.
  reuse_from   INTEGER,
  -- How far the user's walk before this one went, where known notes may end this one.
  until_known  TEXT,
  ended        TEXT,
  UNIQUE (run, name)
);

CREATE TABLE walk_notes (
  walk     INTEGER NOT NULL,
  note_id  TEXT NOT NULL,
  leg      INTEGER NOT NULL,
  admitted INTEGER NOT NULL,
  PRIMARY KEY (walk, note_id)
) WITHOUT ROWID;

CREATE TABLE walk_cursors (
  walk   INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  PRIMARY KEY (walk, cursor)
) WITHOUT ROWID;

-- Every answer ever kept. Bodies stand in `bodies` until they are sealed, then in the named segment.
CREATE TABLE answers (
  id          INTEGER PRIMARY KEY,
  run         TEXT NOT NULL,
  key         TEXT NOT NULL,
  endpoint    TEXT NOT NULL,
  params      TEXT NOT NULL,
  vendor      TEXT NOT NULL,
  observed_at INTEGER NOT NULL,
  outcome     TEXT NOT NULL,
  vendor_code TEXT,
  http_status INTEGER,
  attempts    INTEGER NOT NULL,
  latency_ms  INTEGER NOT NULL,
  billed      TEXT NOT NULL,
  cost        INTEGER NOT NULL,
  seed        INTEGER,
  items_path  TEXT,
  admitted    TEXT,
  reason      TEXT,
  page        TEXT NOT NULL,
  segment     TEXT,
  -- The same answer once more, with more of it admitted: it was not asked twice.
  copy        INTEGER NOT NULL DEFAULT 0,
  -- Its place among all answers: the greatest is the newest. `observed_at` is what the clock said.
  sequence    INTEGER NOT NULL DEFAULT 0,
  -- SHA-256 of the other fields and of the body while it is here: SQLite's own pages carry none.
  checksum    BLOB
);
CREATE INDEX answers_key ON answers (key, sequence);
CREATE INDEX answers_run ON answers (run, endpoint, outcome);
CREATE INDEX answers_segment ON answers (segment);

-- A body as it came is a blob. Observations that are retained in its place are a text: `observations` and the key of the users'
-- pseudonyms, if any; a line's end; Arrow IPC in hex. Earlier versions wrote the key, a line's end, and JSON.
CREATE TABLE bodies (
  answer  INTEGER PRIMARY KEY,
  body    BLOB NOT NULL,
  -- The path that was called, where the answer is one whose shape counts.
  version TEXT
);

CREATE TABLE segments (
  name       TEXT PRIMARY KEY,
  rows       INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  sha256     TEXT NOT NULL,
  -- The oldest answer whose body is here as it came; none where there is none.
  raw_since  INTEGER,
  -- Whether answers are told under the users' own ids, and the key of those that are told under pseudonyms.
  told_plain INTEGER NOT NULL DEFAULT 0,
  told_key   TEXT,
  -- By which id builds know what it tells; none where that is its own.
  known_as   TEXT
) WITHOUT ROWID;

-- Segments that were replaced: their files are removed where they are found, and their names are never given again.
CREATE TABLE dropped (
  name TEXT PRIMARY KEY
) WITHOUT ROWID;

-- What each kind of listing told of a note: lately, and when its detail was last fetched.
CREATE TABLE listings (
  note_id   TEXT NOT NULL,
  endpoint  TEXT NOT NULL,
  latest    TEXT NOT NULL,
  at_detail TEXT,
  PRIMARY KEY (note_id, endpoint)
) WITHOUT ROWID;

-- The latest detail of each note, for `known`.
CREATE TABLE details (
  note_id  TEXT PRIMARY KEY,
  -- What the clock said when it was answered, or failed although it was paid for.
  asked_at INTEGER NOT NULL,
  -- That answer's place among all answers.
  sequence INTEGER NOT NULL DEFAULT 0,
  -- Whether the note is asked again when the detail is too old: it is not if the latest answer showed no note.
  is_due   INTEGER NOT NULL,
  -- The latest run whose seeds or listings name the note.
  seen_in  TEXT
) WITHOUT ROWID;
CREATE INDEX details_due ON details (asked_at, sequence) WHERE is_due = 1;

-- The notes that finished walks of a user have shown, for `until_known`.
CREATE TABLE user_walks (
  user_id TEXT PRIMARY KEY,
  -- How far the latest finished walk went: `all`, or the limits that ended it; none while it is not finished.
  covered TEXT
) WITHOUT ROWID;
CREATE TABLE user_notes (
  user_id TEXT NOT NULL,
  note_id TEXT NOT NULL,
  run     TEXT NOT NULL,
  PRIMARY KEY (user_id, note_id)
) WITHOUT ROWID;

-- Billed and maybe-billed calls and their cost by UTC day, over all runs. A call that was sent before midnight and came back
-- after it counts on both days.
CREATE TABLE days (
  day   TEXT PRIMARY KEY,
  calls INTEGER NOT NULL,
  cost  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- What the answers of a run look like: JSON paths and types. Another path of the vendor's is another version.
CREATE TABLE shapes (
  run        TEXT NOT NULL,
  endpoint   TEXT NOT NULL,
  vendor     TEXT NOT NULL,
  version    TEXT NOT NULL,
  answers    INTEGER NOT NULL,
  shape      TEXT NOT NULL,
  PRIMARY KEY (run, endpoint, vendor, version)
);

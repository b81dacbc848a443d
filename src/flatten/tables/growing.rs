//! The tables that only grow: each answer adds rows, and none is replaced.

use jiff::Timestamp;

use super::table;

table! {
    /// One row for each note at each place of each page of a search.
    SearchHitRow, "search_hits", by ObservedDate, sorted by ["seed", "keyword", "sort", "note_type", "published", "page", "position", "note_id", "observed_at", "run_id"];
    /// The number of the job's seed, from 1.
    seed: Option<i32> = "the job",
    /// What was searched for.
    keyword: String = "the call",
    /// The order asked for.
    sort: &'static str = "the call",
    /// The type of note asked for.
    note_type: &'static str = "the call",
    /// How recent the notes had to be.
    published: &'static str = "the call",
    /// The page, from 1.
    page: i32 = "the call",
    /// The place on the page, from 0, counted over all elements.
    position: i32 = "place in the vendor's list",
    /// The note.
    note_id: String = "`id`",
    /// When the answer came.
    observed_at: Timestamp = "the answer",
    /// The run that asked.
    run_id: String = "the run",
}

table! {
    /// One row for each observation of a note that tells a count.
    NoteMetricRow, "note_metrics", by ObservedDate, sorted by ["note_id", "observed_at", "source", "sequence"];
    /// The note.
    note_id: String = "`id`",
    /// When the answer came.
    observed_at: Timestamp = "the answer",
    /// The kind of answer: `search`, `user_notes` or `detail`.
    source: &'static str = "the answer",
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say. It names the call.
    sequence: i64 = "the answer",
    /// How often it was liked.
    liked_count: Option<i64> = "`liked_count`, `likes`",
    /// How often it was collected.
    collected_count: Option<i64> = "`collected_count`",
    /// How often it was commented.
    comment_count: Option<i64> = "`comments_count`, `comment_count`",
    /// How often it was shared.
    share_count: Option<i64> = "`shared_count`, `share_count`",
    /// Whether any of the counts was written like `1.2万` or `10+`.
    is_approximate: bool = "the spelling of the counts",
}

table! {
    /// One row for each observation of an author that tells a count.
    AuthorMetricRow, "author_metrics", by ObservedDate, sorted by ["author_id", "observed_at", "source", "sequence"];
    /// The author.
    author_id: String = "`userid`",
    /// When the answer came.
    observed_at: Timestamp = "the answer",
    /// The kind of answer: `profile`, or `note` for the user block inside a note.
    source: &'static str = "the answer",
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say. It names the call.
    sequence: i64 = "the answer",
    /// How many users follow the author.
    fans_count: Option<i64> = "`fans`, else `interactions[type=fans].count`",
    /// How many users the author follows.
    follows_count: Option<i64> = "`follows`, else `interactions[type=follows].count`",
    /// How often the author's notes were liked.
    liked_count: Option<i64> = "`liked`, else `note_num_stat.liked`",
    /// How often the author's notes were collected.
    collected_count: Option<i64> = "`collected`, else `note_num_stat.collected`",
    /// Likes and collections together, as the platform shows them.
    interaction_count: Option<i64> = "`interactions[type=interaction].count`",
    /// How many notes the author has published.
    notes_count: Option<i64> = "`ndiscovery`, else `note_num_stat.posted`",
    /// Whether any of the counts was written like `1.2万` or `10+`.
    is_approximate: bool = "the spelling of the counts",
}

table! {
    /// One row for each call that has a final answer, or was given up.
    CallRow, "calls", by ObservedDate, sorted by ["run_id", "call_key", "observed_at", "sequence"];
    /// The run that asked.
    run_id: String = "the run",
    /// The endpoint and its parameters, which name the call.
    call_key: String = "the call",
    /// The vendor that was asked last.
    vendor: String = "the run",
    /// `search_notes`, `user_notes`, `note_detail` or `user_profile`.
    endpoint: &'static str = "the call",
    /// The parameters as JSON, without the key.
    params: String = "the call",
    /// When the answer came.
    observed_at: Timestamp = "the answer",
    /// The answer's place among all answers of the dataset: the greatest is the newest, whatever clocks say.
    sequence: i64 = "the answer",
    /// `ok`, `gone` (stated by a code) and `empty` (nothing shown) are answers; all others are calls given up.
    outcome: &'static str = "the answer",
    /// The vendor's own code, as text.
    vendor_code: Option<String> = "`code`",
    /// The HTTP status; null where no answer came.
    http_status: Option<i32> = "HTTP",
    /// How often the call was sent.
    attempts: i32 = "the run",
    /// Milliseconds from the last send to its last byte.
    latency_ms: i64 = "the run",
    /// The length of the answer's body in bytes.
    body_bytes: Option<i64> = "HTTP",
    /// Whether the vendor charged for it: `yes`, `no` or `unknown`.
    billed: &'static str = "the vendor's billing rule",
    /// What all attempts cost, in the vendor's price unit.
    cost: f64 = "the job's prices",
}

table! {
    /// One row for each thing in an answer that could not be read.
    RejectRow, "rejects", by ObservedDate, sorted by ["run_id", "call_key", "path", "reason"];
    /// The run that asked.
    run_id: String = "the run",
    /// The call that was answered.
    call_key: String = "the call",
    /// JSON pointer to it in the answer's body; empty for the body as a whole.
    path: String = "the answer",
    /// Why it could not be read.
    reason: String = "notemill",
}

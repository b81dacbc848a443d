//! The columns of a segment, and the way from answers to a batch and back.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, UInt32Array, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt32Type};
use jiff::Timestamp;

use super::retained::SegmentObservations;
use crate::model::{Answer, Billed, Body, Call, Money, Outcome, Retained, from_hex, hex, sha256_hex};
use crate::state::Pending;

/// An answer of a segment, with what the crawl read from it.
pub(super) type Row = (Answer, String);

/// The checksum over all columns of a row: the first half of a SHA-256, in hex. It reveals damage, not malice.
const CHECKSUM: &str = "row_checksum";

/// The columns of earlier versions: the whole SHA-256 of a row, and that of its body, which the row's covers.
const ROW_SHA256: &str = "row_sha256";
const BODY_SHA256: &str = "body_sha256";

/// The column of the answers' places. Earlier versions had none: there, `observed_at` was strictly increasing.
const SEQUENCE: &str = "sequence";

/// How it is written that observations are retained in the place of a body.
const OBSERVATIONS: &str = "observations";

/// How earlier versions wrote what a body told.
const TOLD: &str = "told";

/// Where a segment's metadata tells whether its answers are live or the sandbox's.
pub(super) const ORIGIN: &str = "notemill.origin";

/// Where a segment's metadata says what the dataset had spent when it was written: calls and millionths, as two numbers.
pub(super) const SPENT: &str = "notemill.spent";

/// Returns the schema of a segment.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let number = |name: &str, nullable| Field::new(name, DataType::UInt32, nullable);
    let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let positions = DataType::List(Arc::new(Field::new_list_field(DataType::UInt32, true)));
    Arc::new(Schema::new(vec![
        text("run_id", false),
        text("call_key", false),
        text("endpoint", false),
        text("params", false),
        text("vendor", false),
        Field::new(SEQUENCE, DataType::Int64, false),
        Field::new("observed_at", moment, false),
        text("outcome", false),
        text("vendor_code", true),
        number("http_status", true),
        number("attempts", false),
        number("latency_ms", false),
        text("billed", false),
        Field::new("cost_micros", DataType::Int64, false),
        number("seed", true),
        text("items_path", true),
        Field::new("admitted", positions, true),
        text("page", false),
        // `utf8`: the body as text; `hex`: bytes that are no text, as hex digits; `observations`: the body is null, and
        // its observations are retained, with the key of the pseudonyms behind it where there is one. Earlier versions
        // wrote these as JSON: `told`.
        text("body_encoding", true),
        text("body", true),
        text(CHECKSUM, false),
    ]))
}

/// Lays answers out in columns.
pub(super) fn batch(rows: &[Pending]) -> Result<RecordBatch, arrow::error::ArrowError> {
    fn texts<'a, T: AsRef<str>>(rows: &'a [Pending], of: impl Fn(&'a Pending) -> Option<T>) -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    }
    let numbers = |of: &dyn Fn(&Answer) -> Option<u32>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(&row.answer)).collect::<UInt32Array>())
    };
    let moments = rows.iter().map(|row| row.answer.observed_at.as_microsecond());
    let moments = TimestampMicrosecondArray::from_iter_values(moments).with_timezone("UTC");
    let sequences = Int64Array::from_iter_values(rows.iter().map(|row| row.answer.sequence));
    let costs = Int64Array::from_iter_values(rows.iter().map(|row| row.answer.cost.as_micros()));
    let checksums = rows.iter().map(|row| {
        let sha256 = row_sha256(&row.answer, &row.page, body_sha256(&row.answer.body).as_deref());
        half(&sha256).to_owned()
    });
    let columns: Vec<ArrayRef> = vec![
        texts(rows, |row| Some(&row.answer.run_id)),
        texts(rows, |row| Some(row.answer.call.key())),
        texts(rows, |row| Some(row.answer.call.endpoint().as_str())),
        texts(rows, |row| Some(row.answer.call.params())),
        texts(rows, |row| Some(&row.answer.vendor)),
        Arc::new(sequences),
        Arc::new(moments),
        texts(rows, |row| Some(row.answer.outcome.as_str())),
        texts(rows, |row| row.answer.vendor_code.as_ref()),
        numbers(&|answer| answer.http_status.map(u32::from)),
        numbers(&|answer| Some(answer.attempts)),
        numbers(&|answer| Some(answer.latency_ms)),
        texts(rows, |row| Some(row.answer.billed.as_str())),
        Arc::new(costs),
        numbers(&|answer| answer.seed),
        texts(rows, |row| row.answer.items_path.as_ref()),
        Arc::new(admitted(rows)),
        texts(rows, |row| Some(&row.page)),
        texts(rows, |row| row.answer.body.as_ref().map(encoding)),
        Arc::new(bodies(rows)),
        Arc::new(StringArray::from_iter_values(checksums)),
    ];
    RecordBatch::try_new(schema(), columns)
}

fn admitted(rows: &[Pending]) -> ListArray {
    let mut builder = ListBuilder::new(UInt32Builder::new());
    for row in rows {
        if let Some(positions) = &row.answer.admitted {
            builder.values().append_slice(positions);
            builder.append(true);
        } else {
            builder.append(false);
        }
    }
    builder.finish()
}

/// Names how a body is written.
fn encoding(body: &Body) -> String {
    match body {
        Body::Retained(Retained { pseudonyms: None, .. }) => OBSERVATIONS.into(),
        Body::Retained(Retained { pseudonyms: Some(key), .. }) => format!("{OBSERVATIONS} {key}"),
        Body::Raw(bytes) if std::str::from_utf8(bytes).is_ok() => "utf8".into(),
        Body::Raw(_) => "hex".into(),
        Body::Told { key: None, .. } => TOLD.into(),
        Body::Told { key: Some(key), .. } => format!("{TOLD} {key}"),
    }
}

/// Reads a body back.
fn body(encoding: &str, text: &str) -> Option<Body> {
    Some(match encoding {
        "utf8" => Body::Raw(text.as_bytes().to_vec()),
        "hex" => Body::Raw(from_hex(text)?),
        told => Body::Told { key: key_behind(told, TOLD)?, json: text.to_owned() },
    })
}

/// Reads the key behind a word; nothing if the text does not begin with the word.
#[expect(clippy::option_option, reason = "there may be no key")]
fn key_behind(text: &str, word: &str) -> Option<Option<String>> {
    match text.strip_prefix(word)? {
        "" => Some(None),
        key => Some(Some(key.strip_prefix(' ')?.to_owned())),
    }
}

/// Writes bodies into their column without a copy in between: one may be large.
fn bodies(rows: &[Pending]) -> StringArray {
    let bodies: Vec<Option<Result<&str, &[u8]>>> = rows
        .iter()
        .map(|row| row.answer.body.as_ref().filter(|body| !matches!(body, Body::Retained(_))).map(Body::bytes))
        .map(|body| body.map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)))
        .collect();
    let bytes = bodies.iter().flatten().map(|body| body.map_or_else(|bytes| bytes.len() * 2, str::len));
    let mut column = StringBuilder::with_capacity(rows.len(), bytes.sum());
    for body in bodies {
        match body {
            None => column.append_null(),
            Some(Ok(text)) => column.append_value(text),
            Some(Err(bytes)) => {
                for part in bytes.chunks(4096) {
                    // Writing into a column cannot fail.
                    let _ = column.write_str(&hex(part));
                }
                column.append_value("");
            }
        }
    }
    column.finish()
}

/// Returns the SHA-256 of a body, in hex.
#[expect(clippy::ref_option, reason = "as an answer has it")]
fn body_sha256(body: &Option<Body>) -> Option<String> {
    body.as_ref().map(|body| sha256_hex(body.bytes()))
}

/// Returns the first half of a SHA-256 in hex.
fn half(sha256: &str) -> &str {
    sha256.get(..32).unwrap_or(sha256)
}

/// Sums up a whole row, so that no column can change unseen: Parquet's pages carry no checksum.
fn row_sha256(answer: &Answer, page: &str, body_sha256: Option<&str>) -> String {
    let Answer { run_id, vendor, vendor_code, http_status, attempts, latency_ms, seed, items_path, admitted, .. } =
        answer;
    let moment = answer.observed_at.as_microsecond();
    let call = (run_id, answer.call.params(), vendor, moment);
    let came = (answer.outcome.as_str(), vendor_code, http_status, attempts, latency_ms);
    let cost = (answer.billed.as_str(), answer.cost.as_micros());
    let body = answer.body.as_ref().zip(body_sha256).map(|(body, sha256)| match body {
        Body::Raw(_) => sha256.to_owned(),
        // The file has a checksum of its own.
        Body::Retained(_) => encoding(body),
        Body::Told { .. } => format!("{} {sha256}", encoding(body)),
    });
    // Texts and numbers always become JSON, and no two rows the same.
    let row = (call, came, cost, seed, items_path, admitted, body, page);
    // Of the segments of earlier versions, where both are the same, the checksums hold.
    let row =
        if answer.sequence == moment { serde_json::to_vec(&row) } else { serde_json::to_vec(&(answer.sequence, row)) };
    sha256_hex(&row.unwrap_or_default())
}

/// Columns that a build does not need: what the crawl read, and checksums within a file whose own was compared.
pub(super) const UNREAD: [&str; 6] = ["call_key", "endpoint", "page", BODY_SHA256, ROW_SHA256, CHECKSUM];

/// Returns true if a file has a segment's columns; earlier versions had no or other checksums of their rows, or no sequence.
pub(super) fn has_columns(columns: &Schema) -> bool {
    fn names(schema: &Schema) -> impl Iterator<Item = &String> {
        let of_some = [CHECKSUM, ROW_SHA256, BODY_SHA256, SEQUENCE];
        schema.fields().iter().map(|field| field.name()).filter(move |name| !of_some.contains(&name.as_str()))
    }
    let has = |name: &&str| columns.field_with_name(name).is_ok();
    names(columns).eq(names(&schema())) && [CHECKSUM, ROW_SHA256, BODY_SHA256].iter().any(has)
}

/// Says whether a segment's rows are what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The checksum of the whole file has told it.
    Whole,
    /// Each row's own checksum must tell it.
    Row,
}

/// Reads a row of a batch back; the error says which column is wrong. `retained` are the segment's observations.
pub(super) fn row(
    batch: &RecordBatch,
    at: usize,
    trust: Trust,
    retained: Option<&SegmentObservations>,
) -> Result<Row, String> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| name.to_owned());
    let shown = |name: &str| -> Result<Option<&str>, String> {
        let array = column(name)?.as_string_opt::<i32>().ok_or_else(|| name.to_owned())?;
        Ok(array.is_valid(at).then(|| array.value(at)))
    };
    let text = |name: &str| Ok::<_, String>(shown(name)?.map(str::to_owned));
    let needed = |name: &str| text(name)?.ok_or_else(|| name.to_owned());
    let number = |name: &str| -> Result<Option<u32>, String> {
        let array = column(name)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| name.to_owned())?;
        Ok(array.is_valid(at).then(|| array.value(at)))
    };
    let micros = column("observed_at")?.as_primitive_opt::<TimestampMicrosecondType>().ok_or("observed_at")?.value(at);
    let sequence = match batch.column_by_name(SEQUENCE) {
        Some(column) => column.as_primitive_opt::<Int64Type>().ok_or(SEQUENCE)?.value(at),
        None => micros,
    };
    let cost = column("cost_micros")?.as_primitive_opt::<Int64Type>().ok_or("cost_micros")?.value(at);
    let lists = column("admitted")?.as_list_opt::<i32>().ok_or("admitted")?;
    let positions = || Some(lists.value(at).as_primitive_opt::<UInt32Type>()?.values().to_vec());
    let admitted = if lists.is_valid(at) { Some(positions().ok_or("admitted")?) } else { None };
    let body = match (shown("body_encoding")?, shown("body")?) {
        (None, None) => None,
        (Some(encoding), Some(text)) => Some(self::body(encoding, text).ok_or("body_encoding")?),
        (Some(encoding), None) => {
            let key = key_behind(encoding, OBSERVATIONS).ok_or("body_encoding")?;
            let found = retained.and_then(|retained| retained.of(sequence, key));
            Some(Body::Retained(found.ok_or("its observations are not there")?))
        }
        (None, Some(_)) => return Err("body_encoding".into()),
    };
    let call = Call::from_params(&needed("params")?).map_err(|_| "params")?;
    let mut answer = Answer {
        run_id: needed("run_id")?,
        call,
        vendor: needed("vendor")?,
        sequence,
        observed_at: Timestamp::from_microsecond(micros).map_err(|_| "observed_at")?,
        outcome: Outcome::parse(&needed("outcome")?).ok_or("outcome")?,
        vendor_code: text("vendor_code")?,
        http_status: number("http_status")?.and_then(|status| u16::try_from(status).ok()),
        attempts: number("attempts")?.ok_or("attempts")?,
        latency_ms: number("latency_ms")?.ok_or("latency_ms")?,
        billed: Billed::parse(&needed("billed")?).ok_or("billed")?,
        cost: Money::from_micros(cost),
        seed: number("seed")?,
        items_path: text("items_path")?,
        admitted,
        body,
    };
    let page = if batch.column_by_name("page").is_none() { String::new() } else { needed("page")? };
    if trust == Trust::Row {
        let has = |name: &str| batch.column_by_name(name).is_some();
        let body_sha256 = body_sha256(&answer.body);
        if has(BODY_SHA256) && shown(BODY_SHA256)? != body_sha256.as_deref() {
            return Err("the body has another checksum".into());
        }
        if needed("call_key")? != answer.call.key() || needed("endpoint")? != answer.call.endpoint().as_str() {
            return Err("call_key".into());
        }
        let sha256 = row_sha256(&answer, &page, body_sha256.as_deref());
        if (has(ROW_SHA256) && needed(ROW_SHA256)? != sha256) || (has(CHECKSUM) && needed(CHECKSUM)? != half(&sha256)) {
            return Err("it has another checksum".into());
        }
    }
    answer.outcome = answer.outcome.as_stored(answer.call.endpoint(), answer.vendor_code.as_deref());
    Ok((answer, page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NoteId;

    #[test]
    fn a_change_of_any_column_is_seen() {
        let answer = Answer {
            run_id: "r1".into(),
            call: Call::NoteDetail { note_id: NoteId::parse("n1").unwrap() },
            vendor: "justoneapi".into(),
            sequence: 0,
            observed_at: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Ok,
            vendor_code: Some("0".into()),
            http_status: Some(200),
            attempts: 1,
            latency_ms: 5,
            billed: Billed::Yes,
            cost: Money::ZERO,
            seed: Some(1),
            items_path: Some("/data".into()),
            admitted: Some(vec![0, 2]),
            body: Some(Body::Raw(b"{}".to_vec())),
        };
        let kept = Pending { id: 1, answer: answer.clone(), page: "{}".into(), version: None };
        let whole = batch(std::slice::from_ref(&kept)).unwrap();
        assert_eq!(row(&whole, 0, Trust::Row, None).unwrap(), (answer.clone(), "{}".into()));
        let other = Answer {
            run_id: "r2".into(),
            call: Call::NoteDetail { note_id: NoteId::parse("n2").unwrap() },
            vendor: "spiderhubs".into(),
            sequence: 1,
            observed_at: Timestamp::MAX,
            outcome: Outcome::Empty,
            vendor_code: None,
            http_status: Some(201),
            attempts: 2,
            latency_ms: 6,
            billed: Billed::No,
            cost: Money::from_micros(1),
            seed: None,
            items_path: Some("/dat".into()),
            admitted: Some(vec![0]),
            body: Some(Body::Raw(b"\xff".to_vec())),
        };
        let other = batch(&[Pending { id: 2, answer: other, page: "[]".into(), version: None }]).unwrap();
        for at in 0..whole.num_columns() {
            let mut columns = whole.columns().to_vec();
            // Both calls have one endpoint.
            columns[at] =
                if at == 2 { Arc::new(StringArray::from(vec!["user_notes"])) } else { other.column(at).clone() };
            let changed = RecordBatch::try_new(schema(), columns).unwrap();
            assert!(row(&changed, 0, Trust::Row, None).is_err(), "{}", schema().field(at).name());
        }
    }

    #[test]
    fn checksums_of_earlier_versions_are_compared() {
        let body = Some(Body::Raw(b"{}".to_vec()));
        let answer = Answer {
            body,
            ..crate::flatten::fixtures::given_up(
                Call::NoteDetail { note_id: NoteId::parse("n1").unwrap() },
                Outcome::Ok,
            )
        };
        let sha256 = body_sha256(&answer.body).unwrap();
        let of_row = row_sha256(&answer, "{}", Some(&sha256));
        let today = batch(&[Pending { id: 1, answer: answer.clone(), page: "{}".into(), version: None }]).unwrap();
        let with = |checksums: &[(&str, &str)]| {
            let mut columns: Vec<(String, ArrayRef)> = Vec::new();
            for (field, column) in today.schema().fields().iter().zip(today.columns()) {
                if field.name() != CHECKSUM {
                    columns.push((field.name().clone(), column.clone()));
                }
            }
            let checksums = checksums
                .iter()
                .map(|(name, sum)| ((*name).to_owned(), Arc::new(StringArray::from(vec![*sum])) as ArrayRef));
            RecordBatch::try_from_iter(columns.into_iter().chain(checksums)).unwrap()
        };
        for (checksums, is_right) in [
            (&[(BODY_SHA256, sha256.as_str())][..], true),
            (&[(BODY_SHA256, sha256.as_str()), (ROW_SHA256, of_row.as_str())], true),
            (&[(BODY_SHA256, "0")], false),
            (&[(BODY_SHA256, sha256.as_str()), (ROW_SHA256, sha256.as_str())], false),
            (&[(CHECKSUM, &of_row[..32])], true),
            (&[(CHECKSUM, &of_row[1..33])], false),
        ] {
            let batch = with(checksums);
            assert!(has_columns(&batch.schema()));
            assert_eq!(row(&batch, 0, Trust::Row, None).is_ok(), is_right, "{checksums:?}");
        }
        assert!(!has_columns(&with(&[]).schema()), "nothing would be compared");
    }
}

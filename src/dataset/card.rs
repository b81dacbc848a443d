//! The dataset card: what a snapshot holds, for people and for the Hugging Face hub.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::facts::Facts;
use super::manifest::{Manifest, Origin};
use super::partition::Layout;
use crate::flatten::WITHHELD;
use crate::flatten::tables::{dictionary, markdown};
use crate::job::Partition;

/// Writes the card of a snapshot.
pub(super) fn card(manifest: &Manifest, facts: &Facts) -> String {
    let mut text = header(manifest.tables.get("notes").map_or(0, |entry| entry.rows));
    // Writing to a string cannot fail.
    let _ = write!(text, "# Xiaohongshu notes\n\n{}\n\n", collected(manifest.origin, facts));
    let _ = write!(text, "{}## Tables\n\n| table | rows | one row is |\n|---|---|---|\n", period(facts));
    for table in dictionary() {
        let rows = manifest.tables.get(table.name).map_or(0, |entry| entry.rows);
        let _ = writeln!(text, "| `{}` | {rows} | {} |", table.name, table.about);
    }
    let _ = write!(text, "\n{READERS}\n{}{}", times(&manifest.layout), people(manifest));
    let _ = write!(text, "{}## Columns\n\n{}", cite(manifest.snapshot), markdown(manifest.dictionary()));
    text
}

const READERS: &str = r#"## How to read it

In the dataset's folder; here with the notes, likewise with every other table:

```python
pd.read_parquet("latest/notes")                                  # pandas
pl.scan_parquet("latest/notes", hive_partitioning=True)          # polars
pyarrow.dataset.dataset("latest/notes", partitioning="hive")     # pyarrow
spark.read.parquet("latest/notes")                               # Spark
```

```sql
SELECT * FROM read_parquet('latest/notes/**/*.parquet', hive_partitioning = true);  -- DuckDB
```

`latest` moves to a new snapshot in one step. To read several tables of one snapshot while a refresh may come,
resolve the link first: `os.path.realpath("latest")`. `manifest.json` lists every file with its rows and SHA-256.
"#;

/// Writes what the Hugging Face hub reads. The notes' licence is not ours to name.
fn header(notes: u64) -> String {
    let mut text = format!(
        "---\npretty_name: Xiaohongshu notes\nlanguage:\n- zh\nlicense: other\nsize_categories:\n- {}\ntags:\n\
         - xiaohongshu\nconfigs:\n",
        size(notes)
    );
    for (at, table) in dictionary().iter().enumerate() {
        let name = table.name;
        let _ = write!(text, "- config_name: {name}\n  data_files: {name}/**/*.parquet\n");
        if at == 0 {
            text.push_str("  default: true\n");
        }
    }
    text.push_str("---\n\n");
    text
}

/// Returns the hub's word for a number of rows.
fn size(rows: u64) -> &'static str {
    match rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        _ => "100M<n<1B",
    }
}

/// Says how a work names exactly what it used.
fn cite(snapshot: u64) -> String {
    format!(
        "## How to cite it\n\nThis is snapshot {snapshot} of its dataset. `manifest.json` names each file by its SHA-256; \
         the manifest's own (`sha256sum manifest.json`) therefore names all of it. `notemill pin` keeps a snapshot for \
         good. The rights to the notes are their authors' and the platform's; nothing here grants any.\n\n"
    )
}

/// Says in which time zone the columns count that readers make of the folders' names.
fn times(layout: &Layout) -> String {
    let published = match layout.partition {
        Partition::None => "",
        Partition::Year => "`published_year` and ",
        Partition::Month => "`published_month` and ",
        Partition::Day => "`published_date` and ",
    };
    let subject = if published.is_empty() { "counts" } else { "count" };
    let zone = &layout.time_zone;
    format!(
        "## Times\n\nAll timestamp columns are UTC. {published}`observed_date`, which readers make of the folders' names, \
         {subject} dates in {zone}. A note without `published_at` lies at the second in its id, else at \
         `first_seen_at`.\n\n"
    )
}

/// Says what stands in the place of people; nothing where they stand there themselves.
fn people(manifest: &Manifest) -> String {
    if manifest.outline.pseudonyms.is_none() {
        return String::new();
    }
    format!(
        "## People\n\nUsers stand under pseudonyms: `u_` and 24 hex digits, the same in all tables. In titles and \
         texts, too, where the answer told their names. These columns are null: `{}`. The notes' ids are the \
         platform's own, so that whoever looks a note up sees who wrote it.\n\n",
        WITHHELD.join("`, `")
    )
}

fn collected(origin: Origin, facts: &Facts) -> String {
    let calls = facts.calls.iter().flat_map(|(vendor, endpoints)| endpoints.iter().map(move |call| (vendor, call)));
    let calls: Vec<String> =
        calls.map(|(vendor, (endpoint, count))| format!("{count} × `{endpoint}` of {vendor}")).collect();
    let source = match origin {
        Origin::Live => "Collected by notemill from paid APIs of public notes",
        Origin::Sandbox => "Made up by notemill's sandbox: no real notes, no real people",
    };
    match calls.as_slice() {
        [] => format!("{source}. No calls were made."),
        calls => format!(
            "{source}, with these calls: {}. Every call stands in `calls`, and what each search found, at which place, in \
             `search_hits`. What could not be read stands in `rejects`.",
            calls.join(", ")
        ),
    }
}

fn period(facts: &Facts) -> String {
    let line = |what: &str, span: Option<(Timestamp, Timestamp)>| {
        span.map(|(first, last)| format!("- {what} from {} to {} (UTC)\n", day(first), day(last))).unwrap_or_default()
    };
    let published = line("notes published", facts.published);
    let observed = line("answers", facts.observed);
    match published + &observed {
        lines if lines.is_empty() => lines,
        lines => format!("{lines}\n"),
    }
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_called_as_the_hub_calls_them() {
        let sizes = [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (9_999_999, "1M<n<10M")];
        for (rows, word) in sizes.into_iter().chain([(10_000_000, "10M<n<100M"), (u64::MAX, "100M<n<1B")]) {
            assert_eq!(size(rows), word, "{rows}");
        }
    }
}

//! The dataset card: what a snapshot holds, for people and for the Hugging Face hub.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::facts::Facts;
use super::manifest::{Manifest, Origin};
use crate::flatten::WITHHELD;
use crate::flatten::tables::{dictionary, markdown};

/// Writes the card of a snapshot.
pub(super) fn card(manifest: &Manifest, facts: &Facts) -> String {
    let mut text = header();
    // Writing to a string cannot fail.
    let _ = write!(text, "# Xiaohongshu notes\n\n{}\n\n", collected(manifest.origin, facts));
    let _ = write!(text, "{}## Tables\n\n| table | rows | one row is |\n|---|---|---|\n", period(facts));
    for table in dictionary() {
        let rows = manifest.tables.get(table.name).map_or(0, |entry| entry.rows);
        let _ = writeln!(text, "| `{}` | {rows} | {} |", table.name, table.about);
    }
    let _ = write!(text, "\n{READERS}\n{}## Columns\n\n{}", people(manifest), markdown(manifest.dictionary()));
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

fn header() -> String {
    let mut text = "---\npretty_name: Xiaohongshu notes\nlanguage:\n- zh\ntags:\n- xiaohongshu\nconfigs:\n".to_owned();
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
        calls => format!("{source}, with these calls: {}.", calls.join(", ")),
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

//! The dataset card: what a snapshot holds, for people and for the Hugging Face hub.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::manifest::{Manifest, Origin};
use super::merge::Merged;
use crate::flatten::tables::{dictionary, dictionary_markdown};

/// Writes the card of a snapshot.
pub(super) fn card(manifest: &Manifest, merged: &Merged) -> String {
    let mut text = header();
    // Writing to a string cannot fail.
    let _ = write!(text, "# Xiaohongshu notes\n\n{}\n\n", collected(manifest.origin, merged));
    let _ = write!(text, "{}## Tables\n\n| table | rows | one row is |\n|---|---|---|\n", period(merged));
    for table in dictionary() {
        let rows = manifest.tables.get(table.name).map_or(0, |entry| entry.rows);
        let _ = writeln!(text, "| `{}` | {rows} | {} |", table.name, table.about);
    }
    let _ = write!(text, "\n{READERS}\n## Columns\n\n{}", dictionary_markdown());
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

fn collected(origin: Origin, merged: &Merged) -> String {
    let mut calls: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for call in merged.calls() {
        *calls.entry((&call.vendor, call.endpoint.as_str())).or_default() += 1;
    }
    let calls: Vec<String> =
        calls.iter().map(|((vendor, endpoint), count)| format!("{count} × `{endpoint}` of {vendor}")).collect();
    let source = match origin {
        Origin::Live => "Collected by notemill from paid APIs of public notes",
        Origin::Sandbox => "Made up by notemill's sandbox: no real notes, no real people",
    };
    match calls.as_slice() {
        [] => format!("{source}. No calls were made."),
        calls => format!("{source}, with these calls: {}.", calls.join(", ")),
    }
}

fn period(merged: &Merged) -> String {
    let line = |what: &str, times: &mut dyn Iterator<Item = Timestamp>| -> String {
        let Some(first) = times.next() else { return String::new() };
        let (min, max) = times.fold((first, first), |(min, max), time| (min.min(time), max.max(time)));
        format!("- {what} from {} to {} (UTC)\n", day(min), day(max))
    };
    let published = line("notes published", &mut merged.notes().filter_map(|(_, note)| note.published_at()));
    let observed = line("answers", &mut merged.calls().map(|call| call.observed_at));
    match published + &observed {
        lines if lines.is_empty() => lines,
        lines => format!("{lines}\n"),
    }
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

//! Drift in a few lines.

use super::{Change, ColumnFill, Drift, EndpointDrift, Finding};
use crate::model::{Fill, shown};
use crate::vendor::Kind;

/// Columns of smaller tables say nothing.
const FEWEST_ROWS: u64 = 50;
/// Columns that lost less than this share of their rows are not told in words.
const FALL: f64 = 0.1;

impl Drift {
    /// Says what is worst, a line each, in words that are safe to show; and how much more there is.
    pub fn lines(&self, most: usize) -> (Vec<String>, usize) {
        let paths = self.endpoints.iter().flat_map(|endpoint| endpoint.findings.iter().map(move |f| (endpoint, f)));
        let mut paths: Vec<_> = paths.collect();
        paths.sort_by_key(|(_, finding)| finding.change);
        let mut lines: Vec<String> = paths.into_iter().map(|(endpoint, finding)| line(endpoint, finding)).collect();
        lines.extend(self.columns.iter().filter(|column| column.has_fallen()).map(ColumnFill::line));
        let more = lines.len().saturating_sub(most);
        lines.truncate(most);
        (lines, more)
    }
}

fn line(endpoint: &EndpointDrift, finding: &Finding) -> String {
    let Finding { before, now, .. } = finding;
    let path = if finding.path.is_empty() { "the whole body" } else { &finding.path };
    let what = match finding.change {
        Change::Gone => format!("is gone: in {} of {}, now in none of {}", before.answers, before.of, now.of),
        Change::Retyped => format!("was {}, now {}", types(&before.types), types(&now.types)),
        Change::New => format!("is new: {}, in {} of {}", types(&now.types), now.answers, now.of),
    };
    let below = if finding.below > 0 { format!(", with {} below", finding.below) } else { String::new() };
    let (endpoint, vendor) = (shown(&endpoint.endpoint, 20), shown(&endpoint.vendor, 40));
    let example = shown(&finding.example, 80);
    format!("{endpoint} of {vendor}: `{}` {what}{below}; e.g. {example}", shown(path, 100))
}

fn types(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    words.join(" or ")
}

impl Fill {
    fn share(self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.filled as f64 / self.rows as f64 }
    }
}

impl ColumnFill {
    fn has_fallen(&self) -> bool {
        let enough = self.before.rows >= FEWEST_ROWS && self.now.rows >= FEWEST_ROWS;
        enough && self.before.share() - self.now.share() >= FALL
    }

    fn line(&self) -> String {
        let percent = |fill: Fill| fill.share() * 100.0;
        let (table, column) = (shown(&self.table, 40), shown(&self.column, 60));
        format!(
            "column `{table}.{column}`: {:.0} % of rows filled, now {:.0} %",
            percent(self.before),
            percent(self.now)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::tape_of;
    use crate::vendor::Shape;

    fn shape(body: &serde_json::Value) -> Shape {
        let mut shape = Shape::default();
        (0..20).for_each(|at| shape.count(tape_of(body).root(), &format!("note_detail {{\"note_id\":\"n{at}\"}}")));
        shape
    }

    #[test]
    fn lines_say_what_how_often_and_where_to_look() {
        let before = shape(&json!({"note": {"liked_count": 1, "time": 1, "user": {"id": 1}}}));
        let now = shape(&json!({"note": {"likes": 1, "time": "x"}}));
        let endpoint = EndpointDrift::new("note_detail", "just\u{1b}one", &now, Some(("r1".into(), &before)));
        let fill = |rows, filled| Fill { rows, filled };
        let column =
            |column: &str, before, now| ColumnFill { table: "notes".into(), column: column.into(), before, now };
        let columns = vec![
            column("title", fill(100, 100), fill(110, 60)),
            column("language", fill(100, 100), fill(110, 105)),
            column("sound_id", fill(100, 0), fill(110, 110)),
            column("share_url", fill(9, 9), fill(9, 0)),
        ];
        let drift = Drift { paths: 4, endpoints: vec![endpoint], columns };
        let (lines, more) = drift.lines(99);
        assert_eq!(more, 0);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        note_detail of just·one: `note.liked_count` is gone: in 20 of 20, now in none of 20; e.g. note_detail {"note_id":"n0"}
        note_detail of just·one: `note.user` is gone: in 20 of 20, now in none of 20, with 1 below; e.g. note_detail {"note_id":"n0"}
        note_detail of just·one: `note.time` was number, now string; e.g. note_detail {"note_id":"n0"}
        note_detail of just·one: `note.likes` is new: number, in 20 of 20; e.g. note_detail {"note_id":"n0"}
        column `notes.title`: 100 % of rows filled, now 55 %
        "#);
        assert_eq!((drift.lines(2).0.len(), drift.lines(2).1), (2, 3));
    }
}

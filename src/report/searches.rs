//! What a run's searches found, and which of them have fallen silent since the last finished run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunReport;

/// Notes that a search must have shown before to be named when it shows none.
const MANY: u64 = 5;

/// One search of a run: a keyword in one order, type and window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchLine {
    /// The keyword.
    pub keyword: String,
    /// The order of the results.
    pub sort: String,
    /// The type of note asked for.
    pub note_type: String,
    /// How recent the notes must be.
    pub published: String,
    /// Pages read.
    pub pages: u32,
    /// Distinct notes that its pages showed.
    pub shown: u64,
    /// Those of them that count: within the job's limits and filters. What was dropped is the rest.
    pub notes: u64,
    /// Those of them that the dataset did not have before the run; none if they are too many to be assigned to searches.
    pub new_notes: Option<u64>,
    /// Why it ended; `unfinished` or `not begun` if it has not.
    pub ended: String,
}

/// A keyword or a search that showed many notes in the last finished run of the dataset, and none in this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// The keyword.
    pub keyword: String,
    /// The order, type and window; none if no search of the keyword shows a note any more.
    pub search: Option<String>,
    /// How many notes it showed then.
    pub before: u64,
    /// The run that showed them.
    pub run: String,
}

/// What was sent and what came of it, in one run or in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// How often calls were sent.
    pub sent: u64,
    /// What they cost.
    pub cost: f64,
    /// Notes: in a run those that its lists and details showed, in total those of the dataset.
    pub notes: u64,
    /// Notes that were new to the dataset.
    pub new_notes: u64,
    /// Snapshots that were published.
    pub snapshots: u64,
}

impl SearchLine {
    /// Returns the order, type and window as one text.
    pub fn filters(&self) -> String {
        format!("{}, {}, {}", self.sort, self.note_type, self.published)
    }

    fn key(&self) -> (&str, String) {
        (&self.keyword, self.filters())
    }

    /// Returns true if the search was walked to its end; a search that a cap or a failed page cut says nothing of its notes.
    fn is_whole(&self, is_cut_short: impl Fn(&str) -> bool) -> bool {
        self.pages > 0 && !["unfinished", "not begun"].contains(&self.ended.as_str()) && !is_cut_short(&self.ended)
    }
}

/// Finds the keywords and searches that showed many notes in an earlier run, and none now.
pub fn silent(searches: &[SearchLine], before: &RunReport, is_cut_short: impl Fn(&str) -> bool) -> Vec<Silent> {
    let earlier: BTreeMap<_, u64> = before.searches.iter().map(|search| (search.key(), search.notes)).collect();
    let mut silent = Vec::new();
    let mut keywords: Vec<&str> = searches.iter().map(|search| search.keyword.as_str()).collect();
    keywords.sort_unstable();
    keywords.dedup();
    for keyword in keywords {
        let own: Vec<&SearchLine> = searches.iter().filter(|search| search.keyword == keyword).collect();
        let fallen: Vec<(&&SearchLine, u64)> = own
            .iter()
            .filter(|search| search.notes == 0 && search.is_whole(&is_cut_short))
            .map(|search| (search, earlier.get(&search.key()).copied().unwrap_or(0)))
            .collect();
        let entry = |search: Option<String>, before_notes| Silent {
            keyword: keyword.to_owned(),
            search,
            before: before_notes,
            run: before.run.clone(),
        };
        let all: u64 = fallen.iter().map(|(_, notes)| notes).sum();
        if fallen.len() == own.len() {
            silent.extend((all >= MANY).then(|| entry(None, all)));
        } else {
            let some = fallen.iter().filter(|(_, notes)| *notes >= MANY);
            silent.extend(some.map(|(search, notes)| entry(Some(search.filters()), *notes)));
        }
    }
    silent
}

impl Silent {
    /// Names it and says what became of it; the words of the job are as `quoted` writes them.
    pub fn words(&self, quoted: impl Fn(&str) -> String) -> String {
        let Self { keyword, search, before, run } = self;
        let search = search.as_ref().map(|search| format!(" ({search})")).unwrap_or_default();
        format!("{}{search} showed {before} notes in run {run}, and none now", quoted(keyword))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crawl::is_cut_short;
    use crate::report::run::tests::empty;

    fn line(keyword: &str, sort: &str, notes: u64, ended: &str) -> SearchLine {
        SearchLine {
            keyword: keyword.into(),
            sort: sort.into(),
            note_type: "all".into(),
            published: "week".into(),
            pages: 1,
            shown: notes,
            notes,
            new_notes: Some(0),
            ended: ended.into(),
        }
    }

    #[test]
    fn what_fell_from_many_to_none_is_named() {
        let end = "no more notes";
        let before = RunReport {
            searches: ["a", "b", "c", "d"]
                .iter()
                .flat_map(|name| [line(name, "general", 20, end), line(name, "time_descending", 3, end)])
                .collect(),
            ..empty("r1")
        };
        let now = [
            // Silent in all orders: one line for the keyword.
            line("a", "general", 0, end),
            line("a", "time_descending", 0, end),
            // In one of them: a line for the search.
            line("b", "general", 0, end),
            line("b", "time_descending", 2, end),
            // A few before are not many.
            line("c", "general", 7, end),
            line("c", "time_descending", 0, end),
            // Nobody knows what a page that was given up would have shown, or one that was not asked.
            line("d", "general", 0, "a page was given up"),
            line("d", "time_descending", 0, "unfinished"),
            // It was not there before.
            line("e", "general", 0, end),
        ];
        let named: Vec<_> = silent(&now, &before, is_cut_short)
            .into_iter()
            .map(|silent| silent.words(|text| format!("`{text}`")))
            .collect();
        assert_eq!(
            named,
            [
                "`a` showed 23 notes in run r1, and none now",
                "`b` (general, all, week) showed 20 notes in run r1, and none now"
            ]
        );
    }
}

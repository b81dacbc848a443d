//! What is wrong with a job, gathered so that all of it is told at once, and no key with it.

use std::ops::Range;

use crate::model::Problem;

/// Every problem of a job, and the texts that the problems point into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} in `{}`", counted(.problems.len()), .sources.first().map_or("", |(file, _)| file))]
pub struct Problems {
    /// The problems, by file and place; those of the job file come first.
    pub problems: Vec<Problem>,
    /// The files that problems name, with their texts; what may be a key is replaced by `*`, byte for byte.
    pub sources: Vec<(String, String)>,
}

fn counted(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

fn place(span: Range<usize>) -> Option<Range<usize>> {
    (!span.is_empty()).then_some(span)
}

/// Gathers problems while a job file is read.
#[derive(Debug)]
pub(super) struct Told<'t> {
    /// The job file, as the person named it.
    pub(super) file: &'t str,
    /// Its text.
    pub(super) text: &'t str,
    problems: Vec<Problem>,
    hidden: Vec<Range<usize>>,
    sources: Vec<(String, String)>,
}

impl<'t> Told<'t> {
    /// Starts with nothing told.
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, problems: Vec::new(), hidden: Vec::new(), sources: Vec::new() }
    }

    /// Tells a problem at a place of the job file; at an empty one, that of a default, it is about the whole file.
    pub(super) fn at(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(self.file, place(span), message));
    }

    /// Tells a problem at a place of the job file, and what to do about it.
    pub(super) fn hinted(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(self.file, place(span), message).hint(hint));
    }

    /// Tells a problem that is already made.
    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Tells a problem about a value that may be a key: by its line alone, and the value is hidden wherever the text is
    /// shown.
    pub(super) fn secret(&mut self, value: Range<usize>, message: &str, hint: impl Into<String>) {
        let line = line_of(self.text, value.start);
        self.problems.push(Problem::new(self.file, None, format!("line {line}: {message}")).hint(hint));
        self.hide(value);
    }

    /// Hides some bytes of the job file wherever its text is shown.
    pub(super) fn hide(&mut self, span: Range<usize>) {
        self.hidden.push(span);
    }

    /// Adds the text of another file that problems point into.
    pub(super) fn source(&mut self, file: &str, text: String) {
        if !self.sources.iter().any(|(own, _)| own == file) {
            self.sources.push((file.to_owned(), text));
        }
    }

    /// Tells whether any problem was told.
    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Ends with all problems in the order of the files.
    pub(super) fn finish(mut self) -> Problems {
        let place = |problem: &Problem| {
            let other = problem.file != self.file;
            (other, problem.file.clone(), problem.span.as_ref().map_or(0, |span| span.start))
        };
        self.problems.sort_by_key(place);
        self.problems.dedup();
        let mut sources = vec![(self.file.to_owned(), masked(self.text, &self.hidden))];
        sources.append(&mut self.sources);
        Problems { problems: self.problems, sources }
    }
}

/// Returns the line of a byte of a text, from 1.
pub(super) fn line_of(text: &str, start: usize) -> usize {
    text.get(..start).unwrap_or_default().matches('\n').count() + 1
}

/// Replaces some bytes of a text by `*`; lines stay where they are.
pub(super) fn masked(text: &str, hidden: &[Range<usize>]) -> String {
    let mut hidden = hidden.to_vec();
    hidden.sort_by_key(|span| span.start);
    let mut hidden = hidden.into_iter().peekable();
    let mut until = 0;
    let mut out = String::with_capacity(text.len());
    for (start, c) in text.char_indices() {
        while let Some(span) = hidden.next_if(|span| span.start <= start) {
            until = until.max(span.end);
        }
        if c != '\n' && start < until {
            out.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_may_overlap_in_any_order() {
        assert_eq!(masked("abcdefgh", &[5..6, 1..4, 2..3]), "a***e*gh");
    }

    #[test]
    fn masking_moves_nothing() {
        let text = "a = \"钥匙\"\nb = 1\n";
        let end = text.find('\n').unwrap();
        let masked = masked(text, std::slice::from_ref(&(4..end)));
        assert_eq!(masked, "a = ********\nb = 1\n");
        assert_eq!(masked.len(), text.len());
    }
}

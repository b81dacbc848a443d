//! The counts of listed notes, and zeros that say nothing.

use std::collections::BTreeSet;

use crate::model::NoteId;

/// Says which counts a page of notes does not report, although it writes 0 for them.
///
/// Providers write 0 in the place of a count that they do not know, and then they do so for every note of the page. So a
/// count that is 0 on each of at least two notes is not reported if any other count of the page is not 0. One note alone
/// shows nothing of the kind: its 0 counts, and so does that of a page whose counts are all 0.
pub fn unreported<'a>(page: impl IntoIterator<Item = (&'a NoteId, [Option<i64>; 4])>) -> [bool; 4] {
    let (mut zeros, mut is_told): ([BTreeSet<&NoteId>; 4], [bool; 4]) = Default::default();
    for (id, counts) in page {
        for ((count, zeros), is_told) in counts.into_iter().zip(&mut zeros).zip(&mut is_told) {
            match count {
                Some(0) => drop(zeros.insert(id)),
                Some(_) => *is_told = true,
                None => {}
            }
        }
    }
    let any_is_told = is_told.contains(&true);
    let mut unreported = [false; 4];
    for ((unreported, zeros), is_told) in unreported.iter_mut().zip(&zeros).zip(is_told) {
        *unreported = any_is_told && !is_told && zeros.len() >= 2;
    }
    unreported
}

#[cfg(test)]
mod tests {
    use super::*;

    type Page = &'static [(&'static str, [Option<i64>; 4])];

    #[test]
    fn a_count_that_is_0_on_every_note_of_a_page_is_not_reported() {
        let no = [false; 4];
        let shares = [false, false, false, true];
        let cases: [(Page, [bool; 4]); 9] = [
            (&[("a", [Some(5), Some(1), Some(2), Some(0)]), ("b", [Some(6), Some(0), Some(0), Some(0)])], shares),
            (&[("a", [Some(5), Some(1), Some(2), Some(0)]), ("b", [Some(6), Some(0), Some(0), Some(1)])], no),
            // A note that does not tell the count at all is no witness for it.
            (&[("a", [Some(5), None, None, Some(0)]), ("b", [Some(6), None, None, None])], no),
            (&[("a", [Some(5), None, None, Some(0)]), ("b", [None; 4]), ("c", [Some(6), None, None, Some(0)])], shares),
            // One note alone, or one note twice.
            (&[("a", [Some(5), Some(1), Some(2), Some(0)])], no),
            (&[("a", [Some(5), Some(1), Some(2), Some(0)]), ("a", [Some(5), Some(1), Some(2), Some(0)])], no),
            // Young notes that nobody has seen yet.
            (&[("a", [Some(0); 4]), ("b", [Some(0); 4])], no),
            (&[("a", [Some(0); 4]), ("b", [Some(1), Some(0), Some(0), Some(0)])], [false, true, true, true]),
            (&[], no),
        ];
        for (page, expected) in cases {
            let ids: Vec<NoteId> = page.iter().map(|(id, _)| NoteId::parse(id).unwrap()).collect();
            assert_eq!(unreported(ids.iter().zip(page.iter().map(|(_, counts)| *counts))), expected, "{page:?}");
        }
    }
}

//! Tables of text with aligned columns on a terminal, where a Chinese character takes two places.

/// Returns how many places a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    let is_wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}')
            || matches!(c, '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}')
            || matches!(c, '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}')
    };
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Returns a text cut to some places, with a mark if something is missing.
pub(super) fn cut(text: &str, places: usize) -> String {
    if width(text) <= places {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if width(&out) + width(c.encode_utf8(&mut [0; 4])) + 1 > places {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// Returns rows of equal length as lines; the columns of `right` are right-aligned.
pub(super) fn lines(rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, wide))| {
                let space = " ".repeat(wide - width(cell).min(*wide));
                if right.contains(&at) { format!("{space}{cell}") } else { format!("{cell}{space}") }
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_with_chinese_in_them() {
        let rows = [["防晒霜", "7", "a"], ["k", "120", "b"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(lines(&rows, &[1]), ["防晒霜    7  a", "k       120  b"]);
        assert_eq!(
            (cut("防晒霜", 6), cut("防晒霜霜", 6), cut("abc", 2)),
            ("防晒霜".into(), "防晒…".into(), "a…".into())
        );
    }
}

//! Marks that people put around the entries of a list: bullets, numbers and quotes.

/// Takes a bullet or a number away from the beginning of a line: `- 防晒霜`, `1. 防晒霜`, `2、防晒霜`.
pub(super) fn unnumbered(line: &str) -> &str {
    let after_bullet = line.strip_prefix(['-', '*', '+', '•', '·', '●', '▪', '–', '—']);
    if let Some(rest) = after_bullet.filter(|rest| rest.starts_with(char::is_whitespace)) {
        return rest.trim_start();
    }
    let inner = line.strip_prefix(['(', '（']);
    let numbered = inner.unwrap_or(line);
    let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '０'..='９');
    if let Some(rest) =
        line.strip_prefix(|c| matches!(c, '①'..='⑳')).map(str::trim_start).filter(|rest| !rest.is_empty())
    {
        return rest;
    }
    let rest = numbered.trim_start_matches(is_digit);
    let digits = numbered[..numbered.len() - rest.len()].chars().count();
    let mut chars = rest.chars();
    let is_number = (1..=4).contains(&digits)
        && match chars.next() {
            Some(')' | '）') => true,
            Some('、') => inner.is_none(),
            // A number goes on behind its point: 3.8.
            Some('.' | '．') => inner.is_none() && !chars.as_str().starts_with(is_digit),
            _ => false,
        };
    let rest = chars.as_str().trim_start();
    if is_number && !rest.is_empty() { rest } else { line }
}

/// Takes the quotes away that stand around a whole entry.
pub(super) fn unquoted(entry: &str) -> &str {
    for (open, close) in [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('「', '」'), ('`', '`'), ('＂', '＂')]
    {
        let inner = entry.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).map(str::trim);
        if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains([open, close])) {
            return inner;
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bullets_and_numbers_are_no_part_of_an_entry() {
        for (line, entry) in [
            ("- 防晒霜", "防晒霜"),
            ("*  防晒霜", "防晒霜"),
            ("•\u{3000}防晒霜", "防晒霜"),
            ("1. 防晒霜", "防晒霜"),
            ("12、防晒霜", "防晒霜"),
            ("3) 防晒霜", "防晒霜"),
            ("（4）防晒霜", "防晒霜"),
            ("1.防晒霜", "防晒霜"),
            ("２．防晒霜", "防晒霜"),
            ("③防晒霜", "防晒霜"),
            ("-防晒霜", "-防晒霜"),
            ("3.8 节", "3.8 节"),
            ("1.5L 水杯", "1.5L 水杯"),
            ("2026 露营", "2026 露营"),
            ("(防晒霜)", "(防晒霜)"),
            ("1.", "1."),
        ] {
            assert_eq!(unnumbered(line), entry, "{line}");
        }
    }

    #[test]
    fn quotes_around_an_entry_are_no_part_of_it() {
        for (text, entry) in [
            ("\"防晒霜\"", "防晒霜"),
            ("“防晒霜”", "防晒霜"),
            ("「防晒霜」", "防晒霜"),
            ("'防晒 霜'", "防晒 霜"),
            ("\"a\" b \"c\"", "\"a\" b \"c\""),
            ("24\"", "24\""),
            ("\"\"", "\"\""),
        ] {
            assert_eq!(unquoted(text), entry, "{text}");
        }
    }
}

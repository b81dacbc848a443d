//! Text from the network, made safe for a terminal, a log line and a report.

/// Makes a text safe to show: controls, bidi marks and line breaks become `·`, and it is cut at `limit` characters.
pub fn shown(text: &str, limit: usize) -> String {
    let mut out: String = text.chars().take(limit).map(|c| if is_unsafe(c) { '·' } else { c }).collect();
    if text.chars().nth(limit).is_some() {
        out.push('…');
    }
    out
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_but_text() {
        assert_eq!(shown("a\u{1b}[31m\n::error::\u{202e}b\u{9b}c\u{7}", 80), "a·[31m·::error::·b·c·");
        assert_eq!(shown("防晒霜防晒霜", 3), "防晒霜…");
    }
}

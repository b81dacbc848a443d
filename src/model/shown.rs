//! Text from the network, made safe for a terminal, a log line and a report.

/// Makes a text safe to show: controls, bidi marks and line breaks become `·`, and it is cut at `limit` characters.
///
/// So does a `#` after another: build servers take `##[…]` and `##vso[…]` for commands, wherever they stand on a line.
pub fn shown(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(limit) {
        let is_command = c == '#' && out.ends_with('#');
        out.push(if is_command || is_unsafe(c) { '·' } else { c });
    }
    if text.chars().nth(limit).is_some() {
        out.push('…');
    }
    out
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_but_text() {
        assert_eq!(shown("a\u{1b}[31m\n::error::\u{202e}b\u{9b}c\u{7}", 80), "a·[31m·::error::·b·c·");
        assert_eq!(shown("a\u{61c}b\u{ad}c\u{e0041}d ##vso[x] ###[y] #z", 80), "a·b·c·d #·vso[x] #·#[y] #z");
        assert_eq!(shown("防晒霜防晒霜", 3), "防晒霜…");
    }
}

//! Bodies that are nearly JSON, made JSON.

/// Mends what vendors' JSON writers get wrong: half emoji (`\\ud83d` alone), raw controls and unknown escapes in text,
/// and numbers that JSON has not (`NaN`, `Infinity`, `1e999`), which become null.
pub(super) fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' => string(rest.get(1..).unwrap_or_default(), &mut out),
            'N' | 'I' | '-' | '0'..='9' => number(rest, &mut out),
            other => {
                out.push(other);
                rest.get(other.len_utf8()..).unwrap_or_default()
            }
        };
    }
    out
}

/// Copies a number, or null in its place; returns what follows.
fn number<'t>(text: &'t str, out: &mut String) -> &'t str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (token, rest) = text.split_at(end);
    let is_number = token.parse::<f64>().is_ok_and(f64::is_finite);
    let is_odd = matches!(token.trim_start_matches('-'), "NaN" | "Infinity") || token.parse::<f64>().is_ok();
    out.push_str(if is_odd && !is_number { "null" } else { token });
    rest
}

/// Copies a string from behind its opening quote; returns what follows its closing one.
fn string<'t>(text: &'t str, out: &mut String) -> &'t str {
    out.push('"');
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '"' => {
                out.push('"');
                return after;
            }
            '\\' => escape(after, out),
            control if control < ' ' => {
                out.push_str(&format_escape(u32::from(control)));
                after
            }
            other => {
                out.push(other);
                after
            }
        };
    }
    rest
}

/// Copies an escape from behind its backslash; returns what follows.
fn escape<'t>(text: &'t str, out: &mut String) -> &'t str {
    match text.chars().next() {
        // The text ends here: so does the copy, and the parser says that it is cut.
        None => {
            out.push('\\');
            text
        }
        Some('u') => unicode(text, out),
        Some(known @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
            out.push('\\');
            out.push(known);
            text.get(1..).unwrap_or_default()
        }
        Some(other) => {
            out.push(other);
            text.get(other.len_utf8()..).unwrap_or_default()
        }
    }
}

/// Copies `u` and four digits; a half of a pair becomes U+FFFD.
fn unicode<'t>(text: &'t str, out: &mut String) -> &'t str {
    let unit = |text: &str| u32::from_str_radix(text.get(1..5)?, 16).ok();
    let rest = text.get(5..).unwrap_or_default();
    match unit(text) {
        None if text.len() < 5 && !text.contains('"') => {
            out.push('\\');
            out.push_str(text);
            ""
        }
        None => {
            out.push('\u{fffd}');
            text.get(1..).unwrap_or_default()
        }
        Some(high @ 0xd800..0xdc00) => {
            let low = rest.strip_prefix('\\').filter(|rest| rest.starts_with('u')).and_then(unit);
            if let Some(low @ 0xdc00..0xe000) = low {
                out.push_str(&format_escape(high));
                out.push_str(&format_escape(low));
                rest.get(6..).unwrap_or_default()
            } else {
                out.push('\u{fffd}');
                rest
            }
        }
        Some(0xdc00..0xe000) => {
            out.push('\u{fffd}');
            rest
        }
        Some(code) => {
            out.push_str(&format_escape(code));
            rest
        }
    }
}

fn format_escape(code: u32) -> String {
    format!("\\u{code:04x}")
}

//! Time zones that are none.

use super::wrong::assert_told_of_block;

#[test]
fn a_time_zone_is_an_iana_name() {
    let rule = "`output.time_zone` must be the IANA name of a time zone, not";
    let hint = "(such as \"Asia/Shanghai\", which is Beijing time, or \"UTC\")";
    for (written, near) in [
        ("Asia/Beijing", ""),
        ("Asia/Shangai", ", did you mean `Asia/Shanghai`?"),
        ("+08:00", ""),
        ("UTC+8", ""),
        ("", ""),
    ] {
        assert_told_of_block(
            &format!("[output]\ntime_zone = \"{written}\""),
            &[&format!("\"{written}\": {rule} `{written}`{near} {hint}")],
        );
    }
    assert_told_of_block("[output]\ntime_zone = 8", &["8: `output.time_zone` must be text, not a number"]);
}

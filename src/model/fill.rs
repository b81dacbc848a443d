//! How full a column is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Counts what a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// All rows.
    pub rows: u64,
    /// Those that are not null.
    pub filled: u64,
}

/// A share of all rows, in per cent; what is neither nothing nor all never looks like it.
impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = (self.filled as f64 / self.rows.max(1) as f64 * 1000.0).round() / 10.0;
        let (least, most) =
            (if self.filled > 0 { 0.1 } else { 0.0 }, if self.filled < self.rows { 99.9 } else { 100.0 });
        write!(f, "{} %", share.clamp(least, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_whole_never_looks_whole() {
        let shown = |filled, rows| Fill { rows, filled }.to_string();
        assert_eq!([shown(0, 3), shown(1, 3), shown(3, 3)], ["0 %", "33.3 %", "100 %"]);
        assert_eq!([shown(1, 1_000_000), shown(999_999, 1_000_000)], ["0.1 %", "99.9 %"]);
    }
}

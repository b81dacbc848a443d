//! What a run tells: the same facts as a table for people, as Markdown, and as `runs/<run>.json`.

mod ahead;
mod drift;
mod markdown;
mod run;
mod searches;
mod table;
mod text;

pub use ahead::DatedAhead;
pub use drift::{Change, ColumnFill, Drift, EndpointDrift, Finding, Seen};
pub use markdown::markdown;
pub use run::{CallLine, Ending, Known, LeftOut, Reach, Refresh, Reused, RunReport, Saved, Spent, Told};
pub use searches::{SearchLine, Silent, Sums, silent};
pub use text::text;

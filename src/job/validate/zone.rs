//! The time zone in which partitions count dates.

use crate::job::at::At;
use crate::job::told::Told;
use crate::model::{Zone, did_you_mean, shown};

pub(super) fn zone(name: &At<String>, told: &mut Told<'_>) -> Zone {
    name.parse().unwrap_or_else(|_| {
        let place = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        // Whole names are alike if only their regions are.
        let is_near = |own: &String| !did_you_mean(&place(name), [place(own).as_str()]).is_empty();
        let near: Vec<String> = Zone::names().into_iter().filter(is_near).collect();
        let near = did_you_mean(name, near.iter().map(String::as_str));
        let message =
            format!("`output.time_zone` must be the IANA name of a time zone, not `{}`{near}", shown(name, 40));
        let hint = "such as \"Asia/Shanghai\", which is Beijing time, or \"UTC\"";
        told.hinted(name.span(), message, hint);
        Zone::default()
    })
}

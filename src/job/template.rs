//! The commented job file that `notemill init` writes.

/// Returns a job file that holds every key, explained, with the defaults commented out.
pub fn template() -> &'static str {
    include_str!("template.toml")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::template;
    use crate::job::check;
    use crate::job::load::read;
    use crate::job::tests::documented::{keys_of, schema_keys};
    use crate::job::told::Told;

    /// Takes the `#` away from every key and block; explanations have a space after it.
    fn uncommented() -> String {
        let is_code = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        let lines = template().lines().map(|line| line.strip_prefix('#').filter(|rest| is_code(rest)).unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_template_is_a_job() {
        let job = check("sunscreen.toml", Path::new(""), template()).unwrap();
        assert_eq!(job.name, "sunscreen");
        assert_eq!(job.budget.max_calls, Some(500));
    }

    #[test]
    fn every_key_of_the_template_can_be_uncommented() {
        let text = uncommented();
        let mut told = Told::new("template.toml", &text);
        assert!(read(&mut told).is_some());
        assert!(told.is_empty(), "{:#?}", told.finish());
    }

    #[test]
    fn every_key_of_the_schema_is_in_the_template() {
        assert_eq!(keys_of(&uncommented()), schema_keys());
    }

    /// What is commented out as a default must be the default.
    #[test]
    fn the_defaults_in_the_template_are_the_defaults() {
        let examples = [
            "max_notes",
            "since",
            "max_cost",
            "max_calls_per_day",
            "max_total_cost",
            "base_url",
            "price",
            "level",
            "drift_limit",
            "drop",
        ];
        let files =
            ["keywords_file", "users_file", "notes_file", "users", "notes", "file", "postgres_env", "user_notes = ["];
        let is_example = |line: &str| examples.iter().chain(&files).any(|key| line.starts_with(&format!("#{key}")));
        let blocks = ["#[[seeds]]", "#[vendors.tikhub]"];
        let kept = template().lines().map(|line| {
            let stays = is_example(line) || blocks.contains(&line) || line.starts_with("# ");
            format!("{}\n", if stays { line } else { line.strip_prefix('#').unwrap_or(line) })
        });
        let told = check("sunscreen.toml", Path::new(""), &kept.collect::<String>()).unwrap();
        let plain = check("sunscreen.toml", Path::new(""), template()).unwrap();
        assert_eq!(told.written_dataset.as_deref(), plain.dataset.to_str());
        let told = crate::job::Job { written_dataset: None, ..told };
        assert_eq!(
            format!("{told:?}").replace(&format!("{:?}", told.vendors), ""),
            format!("{plain:?}").replace(&format!("{:?}", plain.vendors), "")
        );
        let (told, plain) = (&told.vendors["justoneapi"], &plain.vendors["justoneapi"]);
        assert_eq!(
            (told.concurrency, told.timeout, &told.base_url),
            (plain.concurrency, plain.timeout, &plain.base_url)
        );
        assert_eq!((&told.token_env, told.requests_per_minute), (&plain.token_env, plain.requests_per_minute));
        for (endpoint, version) in &told.version {
            assert_eq!(*version, told.description.calls[endpoint].default);
        }
    }
}

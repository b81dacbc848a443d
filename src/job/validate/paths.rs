//! Paths as people write them: from the job file's folder, or from the home folder behind a `~`.

use std::path::{Path, PathBuf};

use super::ids::Refused;
use crate::model::shown;

/// Resolves a path: `~` is the home folder, and what is relative counts from `folder`.
///
/// # Errors
///
/// It would name another folder than it seems to: it holds a variable, another user's home, or a path of Windows.
pub(crate) fn resolve(text: &str, folder: &Path, home: Option<&Path>) -> Result<PathBuf, Refused> {
    let refused = |why: &str, hint: &str| Err((format!("`{}` {why}", shown(text, 120)), Some(hint.to_owned())));
    if text == "~" || text.starts_with("~/") {
        let Some(home) = home else {
            return refused("begins with `~`, and no home folder is known", "write the whole path");
        };
        return Ok(home.join(text.trim_start_matches('~').trim_start_matches('/')));
    }
    if text.starts_with('~') {
        return refused(
            "begins with another user's `~`, which is not expanded",
            "write the whole path; `./` before it names a folder whose own name begins with `~`",
        );
    }
    if holds_variable(text) {
        return refused(
            "holds a variable, and variables are not expanded here",
            "write `~/` for your home folder, or the whole path",
        );
    }
    if cfg!(not(windows)) && text.contains('\\') {
        return refused(
            "is a path of Windows: on this system, `\\` does not separate folders",
            "separate folders with `/`; under WSL, C:\\data is /mnt/c/data",
        );
    }
    if cfg!(not(windows)) && has_drive(text) {
        return refused("is a path of Windows", "write a path of this system; under WSL, C:/data is /mnt/c/data");
    }
    Ok(folder.join(text))
}

/// Returns true for `$HOME/xhs`, `a/${NAME}` and `%USERPROFILE%/xhs`.
fn holds_variable(text: &str) -> bool {
    let is_name = |rest: &str| rest.starts_with(|c: char| c == '{' || c == '_' || c.is_ascii_alphabetic());
    let percent = text.strip_prefix('%').and_then(|rest| rest.split_once('%'));
    text.split('$').skip(1).any(is_name) || percent.is_some_and(|(name, _)| is_name(name))
}

fn has_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':') && bytes.get(2) == Some(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_count_from_the_jobs_folder_or_from_home() {
        for (text, expected) in [
            ("data/x", "jobs/data/x"),
            ("../data/x", "jobs/../data/x"),
            ("/srv/x", "/srv/x"),
            ("~", "/home/ann"),
            ("~/xhs/data", "/home/ann/xhs/data"),
            ("./~x", "jobs/./~x"),
            ("数据/防晒", "jobs/数据/防晒"),
            ("a$ 100%", "jobs/a$ 100%"),
        ] {
            let path = resolve(text, Path::new("jobs"), Some(Path::new("/home/ann")));
            assert_eq!(path, Ok(PathBuf::from(expected)), "{text}");
        }
    }

    #[test]
    #[cfg(not(windows))]
    fn what_would_name_another_folder_is_refused() {
        for (text, why) in [
            ("~ann/xhs", "another user's `~`"),
            ("$HOME/xhs", "variables are not expanded"),
            ("/srv/${USER}/xhs", "variables are not expanded"),
            ("%USERPROFILE%/xhs", "variables are not expanded"),
            ("C:\\data\\xhs", "a path of Windows"),
            ("data\\xhs", "a path of Windows"),
            ("D:/data", "a path of Windows"),
        ] {
            let (message, hint) = resolve(text, Path::new(""), Some(Path::new("/home/ann"))).unwrap_err();
            assert!(message.contains(why) && hint.is_some(), "{text}: {message}");
        }
        assert!(resolve("~/xhs", Path::new(""), None).unwrap_err().0.contains("no home folder is known"));
    }
}

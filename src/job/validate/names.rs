//! The job's name and the dataset's folder.

use std::path::{Path, PathBuf};

use super::Context;
use super::paths::resolve;
use crate::job::at::At;
use crate::model::{Problem, shown};

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// Returns the job's name: as written, else the file's name without its ending.
pub(super) fn name(written: Option<&At<String>>, context: &mut Context<'_, '_>) -> String {
    const RULE: &str = "1 to 64 of a-z, 0-9, `_` and `-`";
    if let Some(name) = written {
        if !is_name(name) {
            context.told.at(name.span(), format!("`name` must be {RULE}, not `{}`", shown(name, 80)));
        }
        return name.to_string();
    }
    let stem = Path::new(context.told.file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    if !is_name(&stem) && !context.taken.under("name") {
        let message =
            format!("`name` is missing, and `{}`, the file's name, cannot serve: it must be {RULE}", shown(&stem, 80));
        let problem = Problem::new(context.told.file, None, message).hint("add a line such as name = \"sunscreen\"");
        context.told.push(problem);
    }
    stem
}

/// Returns the dataset's folder: as written, else `data/` and the name; both count from the job file's folder.
pub(super) fn dataset(written: Option<&At<String>>, name: &str, context: &mut Context<'_, '_>) -> PathBuf {
    let Some(folder) = written else { return context.folder.join("data").join(name) };
    let told = &mut *context.told;
    if folder.trim().is_empty() || folder.contains(char::is_control) {
        // TOML reads the `\t` of a path of Windows as a tab.
        let hint = "a path with `\\` goes between single quotes: 'data\\sunscreen'; or write `/`";
        told.hinted(folder.span(), "`dataset` must be a folder such as \"data/sunscreen\"", hint);
    } else if folder.starts_with("s3://") {
        super::later::tell(
            told,
            folder.span(),
            "a dataset on `s3://`",
            "name a local folder such as \"data/sunscreen\"",
        );
    } else if folder.contains("://") {
        told.at(
            folder.span(),
            format!("`dataset` must be a folder or s3://bucket/prefix, not `{}`", shown(folder, 80)),
        );
    } else {
        match resolve(folder, context.folder, context.home) {
            Ok(folder) => return folder,
            Err((message, hint)) => {
                let problem = Problem::new(told.file, Some(folder.span()), format!("`dataset`: {message}"));
                told.push(Problem { hint, ..problem });
            }
        }
    }
    PathBuf::from(&**folder)
}

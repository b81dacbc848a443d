//! What goes to a person: errors with causes and hints, problems with carets, data on stdout.

use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::exit::Exit;
use crate::archive::ArchiveError;
use crate::crawl::CrawlError;
use crate::dataset::EraseError;
use crate::fetch::{KeyError, ProxyError};
use crate::forget::ForgetError;
use crate::model::Problem;
use crate::state::StateError;

/// An error on its way to a person: what failed and why, what to do, and the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: anyhow::Error,
    pub(super) hint: Option<String>,
    pub(super) exit: Exit,
}

impl Failure {
    pub(super) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hint: None, exit: Exit::Usage }
    }

    /// Says what a crawl that ended with this has lost: its answers could not be written down.
    pub(super) fn while_asking(mut self) -> Self {
        if let (Exit::Failure, Some(hint)) = (self.exit, &mut self.hint) {
            hint.push_str(
                ". answers of calls that were on their way are lost: they count as maybe billed, and the next run asks them \
                 again",
            );
        }
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { error, hint: None, exit: Exit::Failure }
    }
}

/// What to do about a state that another program wrote to. It is not moved aside: it may be all that knows some answers.
const CHANGED: &str = "`notemill verify` reads every record. if they are sound, or if you put an older copy back on \
    purpose, remove `state.sqlite.sha256` (beside an older copy also `state.sqlite-wal`): the next command goes on with \
    what is there. keep `state.sqlite`: answers that are not sealed yet are nowhere else";
/// What to do about a state whose log has lost something.
const LOG: &str = "put its log back from a copy; if there is none, remove `state.sqlite.sha256` and \
    `state.sqlite-wal`: the next command goes on with what `state.sqlite` itself holds. keep `state.sqlite`: answers that \
    are not sealed yet are nowhere else";
/// What to do about a state that is proved to be damaged.
const DAMAGED: &str = "put a sound copy of all `state.sqlite*` back, if there is one; else move them aside: \
    the next run rebuilds the state from the sealed archive, and asks again what was not sealed";
/// What to do about a disk that failed.
const DISK: &str = "check the disk: space, rights, mount; what was committed is safe";

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let (exit, hint) = match &error {
            StateError::Locked { .. } => {
                (Exit::Dataset, "wait for the other run to end, or stop it; a lock dies with its process")
            }
            StateError::Busy { .. } => (
                Exit::Dataset,
                "close the program that has it open (a database browser, a backup), then type the same command again: \
                 what was committed is safe. if no program has it, the file system cannot lock: copy the whole folder to a local disk",
            ),
            StateError::NoLocks { .. } => (
                Exit::Dataset,
                "copy the whole folder to a local disk, and name it with `dataset` in the job, or with `--dataset`: what was \
                 committed is safe",
            ),
            StateError::NotAFolder { .. } => {
                (Exit::Dataset, "move the file away, or name another folder with `dataset` or `--dataset`")
            }
            StateError::NotAFile { .. } => (
                Exit::Dataset,
                "move the folder out of the dataset, or name another dataset with `dataset` or `--dataset`",
            ),
            StateError::LinkToNothing { .. } => (
                Exit::Dataset,
                "mount or make the folder that the link names, or name another one with `dataset` or `--dataset`",
            ),
            StateError::NotADataset { .. } => {
                (Exit::Dataset, "name an empty or new folder with `dataset` in the job, or with `--dataset`")
            }
            StateError::HeldBack { .. } => {
                (Exit::Dataset, "close it, then type the same command again: it goes on where it was")
            }
            StateError::Unready { .. } => {
                (Exit::Dataset, "`notemill build` brings it up to date from what is there, and asks nobody")
            }
            StateError::Version { .. } => (Exit::Dataset, "use the newer notemill that wrote it"),
            StateError::Origin { .. } => {
                (Exit::Dataset, "sandbox and live answers never share a dataset: name another one with `--dataset`")
            }
            StateError::NoRoom { .. } => (
                Exit::Failure,
                "make room, then type the same command again; nothing was sent, and what was committed is safe",
            ),
            StateError::Changed { .. } => (Exit::Dataset, CHANGED),
            StateError::Damaged { log_alone: true, .. } => (Exit::Dataset, LOG),
            _ if error.is_damage() => (Exit::Dataset, DAMAGED),
            _ => (Exit::Failure, DISK),
        };
        Self { error: error.into(), hint: Some(hint.into()), exit }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::State(error) => error.into(),
            ArchiveError::Damaged { .. } => Self {
                error: error.into(),
                hint: Some("restore the segment from a copy; its answers were paid for".into()),
                exit: Exit::Dataset,
            },
            ArchiveError::Disk(_) => Self { error: error.into(), hint: Some(DISK.into()), exit: Exit::Failure },
        }
    }
}

impl From<ForgetError> for Failure {
    fn from(error: ForgetError) -> Self {
        let (exit, hint) = match error {
            ForgetError::State(error) => return error.into(),
            ForgetError::Archive(error) => return error.into(),
            ForgetError::List { .. } => {
                (Exit::Dataset, "restore it from a copy; without it, what is forgotten would be asked again")
            }
            ForgetError::Snapshot(EraseError::Manifest(_) | EraseError::Damaged { .. }) => {
                (Exit::Dataset, "remove the folder of that snapshot, then type the same command again")
            }
            ForgetError::Snapshot(EraseError::Disk(_)) | ForgetError::Disk(_) => {
                (Exit::Failure, "check the disk: space, rights, mount; then type the same command again: it goes on")
            }
        };
        Self { error: error.into(), hint: Some(hint.into()), exit }
    }
}

impl From<CrawlError> for Failure {
    fn from(error: CrawlError) -> Self {
        match error {
            CrawlError::State(error) => error.into(),
            CrawlError::Archive(error) => error.into(),
            CrawlError::Forget(error) => error.into(),
            CrawlError::Unfinished { .. } => {
                Self::usage(error).hint("go on with it first: the same command without `--retry-failed`")
            }
            CrawlError::NothingToRetry => {
                Self::usage(error).hint("`notemill run` without `--retry-failed` asks what is due")
            }
            CrawlError::Client(_) | CrawlError::Stuck { .. } => {
                Self { error: error.into(), hint: None, exit: Exit::Failure }
            }
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let hint = "set the variable to the key, or the one that ends in `_FILE` to a file that holds it; \
                    to try a job without a key: `--sandbox`";
        Self::usage(error).hint(hint)
    }
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        Self::usage(error).hint(
            "set it to an address such as http://proxy:3128 or socks5h://proxy:1080, or unset it; nothing was sent",
        )
    }
}

/// Prints an error with its causes and its hint on stderr.
pub(super) fn print_failure(failure: &Failure) {
    let mut text = format!("error: {}\n", failure.error);
    let mut said = failure.error.to_string();
    for cause in failure.error.chain().skip(1) {
        let cause = cause.to_string();
        if !said.contains(&cause) && !cause.contains(&said) {
            let _ = writeln!(text, "  because: {cause}");
        }
        said = cause;
    }
    if let Some(hint) = &failure.hint {
        let _ = writeln!(text, "hint: {hint}");
    }
    stderr(text);
}

/// Prints problems of files with their places on stderr.
pub(super) fn print_problems(problems: &[Problem], sources: &[(String, String)]) {
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    for problem in problems {
        stderr(format!("{}\n", problem_text(problem, sources, &renderer)));
    }
}

fn problem_text(problem: &Problem, sources: &[(String, String)], renderer: &Renderer) -> String {
    let source = sources.iter().find(|(file, _)| *file == problem.file).map(|(_, text)| text.as_str());
    let title = Level::ERROR.primary_title(&problem.message);
    let mut group = match (source, &problem.span) {
        (Some(source), Some(span)) => {
            let span = span.start.min(source.len())..span.end.min(source.len());
            let annotation = AnnotationKind::Primary.span(span);
            title.element(Snippet::source(source).path(&problem.file).annotation(annotation))
        }
        _ => title.element(annotate_snippets::Origin::path(&problem.file)),
    };
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint));
    }
    renderer.render(&[group])
}

/// Whether data could not be written to stdout.
pub(super) static CUT: AtomicBool = AtomicBool::new(false);

/// Writes data to stdout; a reader that has gone away is no error, a full disk is.
pub(super) fn stdout(text: impl Display) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = write!(out, "{text}").and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        CUT.store(true, Ordering::SeqCst);
        stderr(format!("error: cannot write to stdout\n  because: {error}\n"));
    }
}

/// Writes words to stderr.
pub(super) fn stderr(text: impl Display) {
    let _ = write!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;
    use crate::disk::doing;

    #[test]
    fn a_state_is_moved_aside_only_if_it_is_proved_to_be_damaged() {
        let file = || PathBuf::from("data/state.sqlite");
        let disk = doing("write", &file(), Err::<(), _>(io::Error::other("x"))).unwrap_err();
        let kept = [
            StateError::Locked { folder: file() },
            StateError::NoLocks { path: file(), source: io::Error::other("x").into() },
            StateError::NotAFolder { path: file() },
            StateError::NotAFile { path: file() },
            StateError::LinkToNothing { path: file(), to: file() },
            StateError::Version { found: 99 },
            StateError::Unready { folder: file(), reason: "x".into() },
            StateError::Origin { found: "live".into(), wanted: "sandbox".into() },
            StateError::Changed { file: file() },
            StateError::Damaged { file: file(), reason: "x".into(), log_alone: true },
            StateError::HeldBack { folder: file() },
            StateError::NoRoom { folder: file(), free: 0, needed: 1 },
            StateError::Disk(disk),
        ];
        for error in kept {
            let failure = Failure::from(error);
            assert!(!failure.hint.as_ref().unwrap().contains("aside"), "{failure:?}");
        }
        for error in [
            StateError::Damaged { file: file(), reason: "x".into(), log_alone: false },
            StateError::Record("answer 1 has another checksum".into()),
        ] {
            let failure = Failure::from(error);
            assert!(failure.hint.as_ref().unwrap().contains("aside") && failure.exit == Exit::Dataset, "{failure:?}");
        }
    }

    #[test]
    fn a_crawl_that_the_disk_ended_says_what_became_of_its_calls() {
        let file = PathBuf::from("data/state.sqlite");
        let disk = doing("write", &file, Err::<(), _>(io::Error::other("x"))).unwrap_err();
        let lost = Failure::from(StateError::Disk(disk)).while_asking();
        assert!(lost.hint.unwrap().ends_with("count as maybe billed, and the next run asks them again"));
        let kept = Failure::from(StateError::Locked { folder: file }).while_asking();
        assert!(!kept.hint.unwrap().contains("maybe billed"));
    }
}

//! `notemill forget`: notes and users out of everything, for good.

use std::path::PathBuf;

use anyhow::anyhow;

use super::Global;
use super::build;
use super::exit::Exit;
use super::messages::{Failure, stderr, stdout};
use super::target::Target;
use super::wanted::Wanted;
use crate::dataset::Effort;
use crate::forget::{self, ForgetError, Taken};
use crate::model::{IdError, NoteId, UserId};
use crate::{archive, crawl, state};

/// Takes notes and users out of archive, state, tables, kept snapshots and reports, and keeps them out.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("ids").required(true).multiple(true))]
pub(super) struct Forget {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// Notes, by id
    #[arg(long, value_name = "ID", num_args = 1.., group = "ids", value_parser = note)]
    note: Vec<NoteId>,
    /// Users, by id; their notes are forgotten with them
    #[arg(long, value_name = "ID", num_args = 1.., group = "ids", value_parser = user)]
    user: Vec<UserId>,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH")]
    dataset: Option<PathBuf>,
}

fn note(text: &str) -> Result<NoteId, IdError> {
    NoteId::parse(text)
}

fn user(text: &str) -> Result<UserId, IdError> {
    UserId::parse(text)
}

impl Forget {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let target = Target::find(&self.target)?;
        let folder = self.dataset.as_deref().unwrap_or_else(|| target.dataset());
        if !state::is_dataset(folder) {
            let error = anyhow!("the folder `{}` holds no dataset", folder.display());
            return Err(Failure::usage(error).hint("`notemill run` makes one"));
        }
        let mut state = build::open(folder)?;
        let wanted = Wanted::of(&target, &mut state)?;
        let aliases: Vec<UserId> = self.user.iter().filter_map(|user| wanted.recipe.pseudonym(user)).collect();
        let taken = forget::forget(&mut state, &self.note, &self.user, &aliases)?;
        let run = state.turn()?.latest_run()?.map_or_else(|| "recovered".to_owned(), |run| run.id);
        archive::seal(&mut state, &run)?;
        let built = build::publish(&mut state, &wanted, Effort::default())?;
        crawl::close_if_done(&mut state)?;
        let raw_dropped = build::drop_raw(&mut state, &wanted)?;
        self.tell(&taken, built.snapshot, raw_dropped, global.json);
        Ok(Exit::Complete)
    }

    /// Tells what was taken out, without any id.
    fn tell(&self, taken: &Taken, snapshot: u64, raw_dropped: u64, json: bool) {
        let (notes, users) = (self.note.len(), self.user.len());
        if json {
            let facts = serde_json::json!({
                "notes": notes, "users": users, "notes_of_users": taken.notes_of_users, "unknown": taken.unknown,
                "answers": taken.answers, "segments": taken.segments, "reports": taken.reports,
                "snapshots": taken.tables.snapshots, "rows": taken.tables.rows, "snapshot": snapshot,
                "raw_dropped": raw_dropped,
            });
            stdout(format!("{facts}\n"));
            return;
        }
        let of_users = taken.notes_of_users;
        stdout(format!("forgotten: notes {notes}, users {users}, notes of these users {of_users}\n\n"));
        stdout(format!("  answers    {} changed, in {} segments\n", taken.answers, taken.segments));
        stdout(format!("  reports    {} changed\n", taken.reports));
        stdout(format!("  snapshots  {} changed; the latest is {snapshot:06}\n", taken.tables.snapshots));
        for (table, rows) in &taken.tables.rows {
            stdout(format!("             {rows} rows out of {table}\n"));
        }
        if taken.unknown > 0 {
            stdout(format!("  unknown    {}: no call asked for them, and no page showed them\n", taken.unknown));
        }
        if raw_dropped > 0 {
            stdout(format!("  archive    {raw_dropped} raw answers dropped; what they told is kept\n"));
        }
        stdout("\nthey are kept out from now on. copies that you made elsewhere still hold them\n");
    }
}

/// Goes on with what a killed command had begun to forget, and says so.
pub(super) fn finish(state: &mut state::State, again: bool) -> Result<(), ForgetError> {
    let taken = if again { forget::finish_again(state)? } else { forget::finish(state)? };
    if taken.is_some_and(|taken| taken != Taken::default()) {
        stderr("taken out what is forgotten and still stood in the dataset\n");
    }
    Ok(())
}

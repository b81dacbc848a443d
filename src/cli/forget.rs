//! `notemill forget`: notes and users out of everything, for good.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use anyhow::anyhow;

use super::Global;
use super::build;
use super::exit::Exit;
use super::messages::{Failure, stderr, stdout};
use super::target::{Target, dataset_folder};
use super::wanted::Wanted;
use crate::dataset::Effort;
use crate::forget::{self, Foreseen, ForgetError, Taken};
use crate::job::{self, Refused};
use crate::model::{IdError, NoteId, UserId};
use crate::state::State;
use crate::{archive, crawl};

/// Takes notes and users out of archive, state, tables, kept snapshots and reports, and keeps them out.
///
/// Shows first what goes, and asks.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("ids").required(true).multiple(true))]
pub(super) struct Forget {
    /// A job file, or a dataset's folder
    target: PathBuf,
    /// Notes, by id or address
    #[arg(long, value_name = "ID", num_args = 1.., group = "ids")]
    note: Vec<String>,
    /// Users, by id or the address of their profile; their notes are forgotten with them
    #[arg(long, value_name = "ID", num_args = 1.., group = "ids")]
    user: Vec<String>,
    /// Do not ask; for scripts
    #[arg(short, long)]
    yes: bool,
    /// The dataset's folder, in place of the job's
    #[arg(long, value_name = "PATH", value_parser = dataset_folder())]
    dataset: Option<PathBuf>,
}

/// What is to be forgotten.
#[derive(Debug)]
struct Named {
    notes: Vec<NoteId>,
    users: Vec<UserId>,
    /// The names under which the users stand in the tables, if those are not their ids.
    aliases: Vec<UserId>,
}

impl Forget {
    pub(super) fn execute(&self, global: &Global) -> Result<Exit, Failure> {
        let target = Target::find(&self.target)?;
        let folder = target.held(self.dataset.as_deref())?;
        let mut state = build::open(folder)?;
        let wanted = Wanted::of(&target, &mut state)?;
        let is_note = |text: &str| job::note_id(text).is_ok().then_some("--note");
        let is_user = |text: &str| job::user_id(text).is_ok().then_some("--user");
        let notes = ids(&self.note, job::note_id, is_user, NoteId::parse, &mut state)?;
        let users = ids(&self.user, job::user_id, is_note, UserId::parse, &mut state)?;
        let aliases = users.iter().filter_map(|user| wanted.recipe.pseudonym(user)).collect();
        let named = Named { notes, users, aliases };
        if !self.yes {
            named.confirm(&mut state, global.json)?;
        }
        let taken = forget::forget(&mut state, &named.notes, &named.users, &named.aliases)?;
        let run = state.turn()?.latest_run()?.map_or_else(|| "recovered".to_owned(), |run| run.id);
        archive::seal(&mut state, &run)?;
        let built = build::publish(&mut state, &wanted, Effort::default())?;
        crawl::close_if_done(&mut state)?;
        let raw_dropped = build::drop_raw(&mut state, &wanted)?;
        named.tell(&taken, built.snapshot, raw_dropped, global.json);
        Ok(Exit::Complete)
    }
}

/// Reads ids as seeds are read; `other` names the option to which a text belongs that is refused here. An id of another form is taken if it stands in the dataset just so.
fn ids<T: Ord>(
    texts: &[String],
    read: fn(&str) -> Result<T, Refused>,
    other: impl Fn(&str) -> Option<&'static str>,
    parse: fn(&str) -> Result<T, IdError>,
    state: &mut State,
) -> Result<Vec<T>, Failure> {
    let mut found = BTreeSet::new();
    for text in texts {
        let id = match read(text) {
            Ok(id) => id,
            Err((message, hint)) => match parse(text) {
                Ok(id) if forget::is_known(state, text)? => id,
                _ => {
                    let hint = other(text).map(|option| format!("name it with `{option}`")).or(hint);
                    return Err(Failure { hint, ..Failure::usage(anyhow!("{message}; nothing was changed")) });
                }
            },
        };
        found.insert(id);
    }
    Ok(found.into_iter().collect())
}

impl Named {
    /// Shows what would go, without any id, and asks.
    fn confirm(&self, state: &mut State, json: bool) -> Result<(), Failure> {
        let foreseen = forget::foresee(state, &self.notes, &self.users, &self.aliases)?;
        let text = self.words(&foreseen);
        if json {
            stderr(text);
        } else {
            stdout(text);
        }
        let input = std::io::stdin();
        if !input.is_terminal() {
            let error = anyhow!("nobody is there to be asked, and nothing was changed");
            return Err(Failure::usage(error).hint("add `--yes` to forget them for good"));
        }
        stderr("forget them for good? [y/N] ");
        let mut line = String::new();
        // Without an answer, nothing is done.
        let _ = input.lock().read_line(&mut line);
        if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::usage(anyhow!("nothing was changed")))
    }

    fn words(&self, foreseen: &Foreseen) -> String {
        let (notes, users, of_users) = (self.notes.len(), self.users.len(), foreseen.notes_of_users);
        let mut lines = vec![format!("to forget: notes {notes}, users {users}, notes of these users {of_users}\n")];
        let mut all = BTreeMap::<&str, u64>::new();
        for (table, rows) in foreseen.rows.values().flatten() {
            *all.entry(table).or_default() += rows;
        }
        match foreseen.rows.last_key_value() {
            Some((number, latest)) if !all.is_empty() => {
                let (latest_is, kept) = (format!("latest {number:06}"), format!("all {} kept", foreseen.rows.len()));
                lines.push(format!("  {:<16} {latest_is:>15} {kept:>15}", "rows of"));
                lines.extend(all.into_iter().map(|(table, rows)| {
                    let of_latest = latest.get(table).copied().unwrap_or(0);
                    format!("  {table:<16} {of_latest:>15} {rows:>15}")
                }));
                lines.push(String::new());
            }
            _ => lines.push("  no row of any table".to_owned()),
        }
        lines.push(format!("  answers    at least {} change", foreseen.answers));
        if foreseen.again > 0 {
            lines.push(format!("  again      {}: forgotten before", foreseen.again));
        }
        if foreseen.unknown > 0 {
            let unknown = foreseen.unknown;
            lines.push(format!("  unknown    {unknown}: no call asked for them, and no page showed them"));
        }
        lines.push("\nthis cannot be undone: what was paid for is deleted\n".to_owned());
        lines.join("\n")
    }

    /// Tells what was taken out, without any id.
    fn tell(&self, taken: &Taken, snapshot: u64, raw_dropped: u64, json: bool) {
        let (notes, users) = (self.notes.len(), self.users.len());
        if json {
            let facts = serde_json::json!({
                "notes": notes, "users": users, "notes_of_users": taken.notes_of_users, "again": taken.again,
                "unknown": taken.unknown,
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
        if taken.again > 0 {
            stdout(format!("  again      {}: forgotten before\n", taken.again));
        }
        if taken.unknown > 0 {
            stdout(format!("  unknown    {}: no call asked for them, and no page showed them\n", taken.unknown));
        }
        if raw_dropped > 0 {
            stdout(format!("  archive    {raw_dropped} raw answers dropped; their observations are kept\n"));
        }
        stdout("\nthey are kept out from now on. copies that you made elsewhere still hold them\n");
    }
}

/// Goes on with what a killed command had begun to forget, and says so.
pub(super) fn finish(state: &mut State, again: bool) -> Result<(), ForgetError> {
    let taken = if again { forget::finish_again(state)? } else { forget::finish(state)? };
    if taken.is_some_and(|taken| taken != Taken::default()) {
        stderr("taken out what is forgotten and still stood in the dataset\n");
    }
    Ok(())
}

//! What is left of a folder when the power goes: bytes and names that were synced, and a drawn part of the rest.
//!
//! This file system keeps no promise that POSIX does not make. What a file holds is durable once the file is synced; a
//! name is durable once its folder is. Of what was not, any part may be there: a file empty, cut, full of zeros or
//! whole; the changes of a folder in order up to one of them, or any of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::Draws;
use super::log::Step;

type Id = usize;
/// Names that change together: each is set, or gone.
type Change = Vec<(String, Option<Id>)>;

#[derive(Clone, Debug)]
enum Thing {
    File { now: Vec<u8>, durable: Vec<u8> },
    Link(PathBuf),
    Folder { now: BTreeMap<String, Id>, durable: BTreeMap<String, Id>, pending: Vec<Change> },
}

/// A folder with all that is in it, as it is and as it would survive.
#[derive(Clone, Debug)]
pub(super) struct Platter {
    things: Vec<Thing>,
}

const ROOT: Id = 0;

impl Platter {
    /// Begins with an empty folder that is durable.
    pub(super) fn new() -> Self {
        Self { things: vec![folder()] }
    }

    /// Takes one more step.
    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::MakeFolder(path) => self.make(path, folder()),
            Step::Create(path) => match self.find(path) {
                // Emptied in place: what was durable stays until the next sync.
                Some(id) => self.file(id).clear(),
                None => self.make(path, Thing::File { now: Vec::new(), durable: Vec::new() }),
            },
            Step::Write(path, bytes) => {
                let id = self.id(path);
                self.file(id).extend_from_slice(bytes);
            }
            Step::SyncFile(path) => {
                let id = self.id(path);
                if let Thing::File { now, durable } = &mut self.things[id] {
                    durable.clone_from(now);
                }
            }
            Step::SyncFolder(path) => {
                let id = self.id(path);
                if let Thing::Folder { now, durable, pending } = &mut self.things[id] {
                    durable.clone_from(now);
                    pending.clear();
                }
            }
            Step::Rename(from, to) => {
                let id = self.id(from);
                let ((from_folder, from), (to_folder, to)) = (self.place(from), self.place(to));
                if from_folder == to_folder {
                    self.change(from_folder, vec![(from, None), (to, Some(id))]);
                } else {
                    self.change(to_folder, vec![(to, Some(id))]);
                    self.change(from_folder, vec![(from, None)]);
                }
            }
            Step::HardLink(file, name) => {
                let id = self.id(file);
                let (folder, name) = self.place(name);
                self.change(folder, vec![(name, Some(id))]);
            }
            Step::Symlink(to, link) => self.make(link, Thing::Link(to.clone())),
            Step::RemoveFile(path) => {
                let (folder, name) = self.place(path);
                self.change(folder, vec![(name, None)]);
            }
            Step::RemoveFolder(path) => {
                let id = self.id(path);
                self.empty(id);
                let (folder, name) = self.place(path);
                self.change(folder, vec![(name, None)]);
            }
        }
    }

    /// Writes into a folder what survives a power loss now.
    pub(super) fn survive(&self, draws: &mut Draws, into: &Path) {
        self.write(ROOT, draws, into);
    }

    fn write(&self, id: Id, draws: &mut Draws, to: &Path) {
        match &self.things[id] {
            Thing::Link(target) => std::os::unix::fs::symlink(target, to).unwrap(),
            Thing::File { now, durable } => fs::write(to, drawn_bytes(now, durable, draws)).unwrap(),
            Thing::Folder { durable, pending, .. } => {
                fs::create_dir_all(to).unwrap();
                for (name, id) in drawn_names(durable, pending, draws) {
                    self.write(id, draws, &to.join(name));
                }
            }
        }
    }

    fn empty(&mut self, id: Id) {
        let Thing::Folder { now, .. } = &self.things[id] else { return };
        for (name, inner) in now.clone() {
            self.empty(inner);
            self.change(id, vec![(name, None)]);
        }
    }

    fn make(&mut self, path: &Path, thing: Thing) {
        let (folder, name) = self.place(path);
        self.things.push(thing);
        let id = self.things.len() - 1;
        self.change(folder, vec![(name, Some(id))]);
    }

    fn change(&mut self, folder: Id, change: Change) {
        let Thing::Folder { now, pending, .. } = &mut self.things[folder] else { panic!("no folder") };
        apply(now, &change);
        pending.push(change);
    }

    fn file(&mut self, id: Id) -> &mut Vec<u8> {
        let Thing::File { now, .. } = &mut self.things[id] else { panic!("no file") };
        now
    }

    fn find(&self, path: &Path) -> Option<Id> {
        path.components().try_fold(ROOT, |id, name| {
            let Thing::Folder { now, .. } = &self.things[id] else { return None };
            now.get(name.as_os_str().to_str().unwrap()).copied()
        })
    }

    fn id(&self, path: &Path) -> Id {
        self.find(path).unwrap_or_else(|| panic!("{} is not there", path.display()))
    }

    fn place(&self, path: &Path) -> (Id, String) {
        (self.id(path.parent().unwrap()), path.file_name().unwrap().to_str().unwrap().to_owned())
    }
}

fn folder() -> Thing {
    Thing::Folder { now: BTreeMap::new(), durable: BTreeMap::new(), pending: Vec::new() }
}

fn apply(names: &mut BTreeMap<String, Id>, change: &Change) {
    for (name, id) in change {
        match id {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }
}

fn drawn_bytes(now: &[u8], durable: &[u8], draws: &mut Draws) -> Vec<u8> {
    if now == durable {
        return now.to_vec();
    }
    match draws.below(4) {
        0 => durable.to_vec(),
        1 => now.to_vec(),
        2 => now[..draws.below(now.len() as u64) as usize].to_vec(),
        _ => vec![0; now.len()],
    }
}

fn drawn_names(durable: &BTreeMap<String, Id>, pending: &[Change], draws: &mut Draws) -> BTreeMap<String, Id> {
    let mut names = durable.clone();
    let (in_order, count) = (draws.below(2) == 0, draws.below(pending.len() as u64 + 1) as usize);
    for (at, change) in pending.iter().enumerate() {
        if if in_order { at < count } else { draws.below(2) == 0 } {
            apply(&mut names, change);
        }
    }
    names
}

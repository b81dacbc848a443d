//! Files beside the job file: lists of seeds, and descriptions of vendors.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::job::{Job, LoadError, Problems, SeedKind, load};
use crate::model::{Endpoint, NoteId, UserId};

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn loaded(folder: &TempDir) -> Result<Job, Problems> {
    match load(&folder.path().join("job.toml")) {
        Ok(job) => Ok(job),
        Err(LoadError::Problems(problems)) => Err(problems),
        Err(error) => panic!("{error:?}"),
    }
}

fn messages(folder: &TempDir) -> Vec<String> {
    let prefix = format!("{}/", folder.path().display());
    let problems = loaded(folder).unwrap_err().problems;
    problems.iter().map(|problem| problem.message.replace(&prefix, "")).collect()
}

#[test]
fn seeds_are_read_from_files_beside_the_job() {
    let folder = folder(&[
        ("job.toml", "[[seeds]]\nkeywords_file = \"k.txt\"\n[[seeds]]\nusers_file = \"u.csv\"\n[[seeds]]\nnotes_file = \"n.CSV\"".as_bytes()),
        ("k.txt", "\u{feff}# topics\r\n防晒霜\r\n\r\n 露营 \r\n防晒霜".as_bytes()),
        ("u.csv", "user_id,name\nu1,a\n\"u2\",b\n".as_bytes()),
        ("n.CSV", "https://www.xiaohongshu.com/explore/n1?x=1,a\nn2\n".as_bytes()),
    ]);
    let job = loaded(&folder).unwrap();
    let SeedKind::Queries(queries) = &job.seeds[0].kind else { panic!() };
    assert_eq!(queries.iter().map(|query| query.keyword.as_str()).collect::<Vec<_>>(), ["防晒霜", "露营"]);
    let SeedKind::Users(users) = &job.seeds[1].kind else { panic!() };
    assert_eq!(users.iter().map(UserId::as_str).collect::<Vec<_>>(), ["u1", "u2"]);
    let SeedKind::Notes(notes) = &job.seeds[2].kind else { panic!() };
    assert_eq!(notes.iter().map(NoteId::as_str).collect::<Vec<_>>(), ["n1", "n2"]);
}

#[test]
fn a_file_that_gives_nothing_is_told_at_its_key() {
    let job = "[[seeds]]\nkeywords_file = \"none.txt\"\n[[seeds]]\nkeywords_file = \"empty.txt\"\n[[seeds]]\nusers_file = \"latin.txt\"\n[[seeds]]\nnotes_file = \".\"";
    let folder = folder(&[("job.toml", job.as_bytes()), ("empty.txt", b"# nothing\n"), ("latin.txt", b"u1\nu\xe92\n")]);
    let problems = loaded(&folder).unwrap_err().problems;
    let carets: Vec<&str> = problems.iter().map(|problem| &job[problem.span.clone().unwrap()]).collect();
    assert_eq!(carets, ["\"none.txt\"", "\"empty.txt\"", "\"latin.txt\"", "\".\""]);
    let expected = [
        "`keywords_file`: `none.txt` is not there",
        "`keywords_file`: `empty.txt` lists nothing",
        "`users_file`: `latin.txt` is not UTF-8 in line 2",
        "`notes_file`: `.` is no file",
    ];
    assert_eq!(messages(&folder), expected);
}

#[test]
fn a_bad_line_is_told_in_its_own_file() {
    let list = "u1\n\na b\n# c d\nu2\n";
    let folder = folder(&[("job.toml", b"[[seeds]]\nusers_file = \"u.txt\""), ("u.txt", list.as_bytes())]);
    let problems = loaded(&folder).unwrap_err();
    assert_eq!(problems.problems.len(), 1);
    let problem = &problems.problems[0];
    assert!(problem.file.ends_with("u.txt"), "{problem:?}");
    assert_eq!(&list[problem.span.clone().unwrap()], "a b");
    assert_eq!(
        problems.sources.iter().find(|(file, _)| *file == problem.file).map(|(_, text)| text.as_str()),
        Some(list)
    );
}

#[test]
fn a_long_list_of_bad_lines_is_cut_and_counted() {
    let list = "a b\n".repeat(50);
    let folder = folder(&[("job.toml", b"[[seeds]]\nusers_file = \"u.txt\""), ("u.txt", list.as_bytes())]);
    let messages = messages(&folder);
    assert_eq!(messages.len(), 21);
    assert_eq!(messages[20], "30 more entries of this list cannot be read");
}

const MINE: &str = "name = \"mine\"\n[base_urls]\nglobal = \"https://api.example.com\"\n[key]\nenv = \"MINE_TOKEN\"\nquery = \"token\"\n\
                    [envelope]\ndata = \"/data\"\n[price]\nuser_notes = 0.2\n[calls.user_notes]\ndefault = \"v1\"\n[calls.user_notes.v1]\npath = \"/notes\"\n\
                    params = { user_id = \"id\", page = \"page\" }\nitems = [\"/notes\"]\n";

#[test]
fn a_vendor_of_ones_own_is_described_by_a_file() {
    let job = "[[seeds]]\nusers = [\"u1\"]\n[vendors.mine]\nfile = \"mine.toml\"\n[route]\nuser_notes = \"mine\"";
    let folder = folder(&[("job.toml", job.as_bytes()), ("mine.toml", MINE.as_bytes())]);
    let job = loaded(&folder).unwrap();
    let vendor = &job.vendors["mine"];
    assert_eq!((vendor.token_env.as_str(), vendor.base_url.as_str()), ("MINE_TOKEN", "https://api.example.com/"));
    assert_eq!(vendor.price[&Endpoint::UserNotes].as_micros(), 200_000);
    assert_eq!(job.vendors.keys().collect::<Vec<_>>(), ["justoneapi", "mine"]);
}

#[test]
fn what_is_wrong_with_a_description_is_told_in_its_own_file() {
    let job = "[[seeds]]\nusers = [\"u1\"]\n[vendors.mine]\nfile = \"mine.toml\"\n[vendors.other]\nfile = \"other.toml\"\n[vendors.gone]\nfile = \"gone.toml\"\n[route]\nuser_notes = [\"mine\", \"other\", \"gone\"]";
    let wrong = MINE.replace("\"/notes\"]", "\"notes\"]").replace("page = \"page\"", "pge = \"page\"");
    let folder =
        folder(&[("job.toml", job.as_bytes()), ("mine.toml", wrong.as_bytes()), ("other.toml", MINE.as_bytes())]);
    let problems = loaded(&folder).unwrap_err().problems;
    assert!(problems.iter().filter(|problem| problem.file.ends_with("mine.toml")).count() >= 2, "{problems:#?}");
    let messages = messages(&folder);
    assert_eq!(
        messages[..2],
        ["`other.toml` describes `mine`, not `other`", "`vendors.gone.file`: `gone.toml` is not there"]
    );
}

#[test]
fn a_key_in_a_description_is_not_repeated() {
    let job = "[[seeds]]\nusers = [\"u1\"]\n[vendors.mine]\nfile = \"mine.toml\"";
    let key = "sk_live_Canary0123456789";
    for wrong in [
        MINE.replace("MINE_TOKEN", key),
        MINE.replace("env = \"MINE_TOKEN\"", &format!("env = \"MINE_TOKEN\"\nvalue = \"{key}\"")),
        MINE.replace(
            "[key]\nenv = \"MINE_TOKEN\"\nquery = \"token\"",
            &format!("[x]\na = 1\n[key.token]\nv = \"{key}\""),
        ),
        format!("key = \"{key}\"\n{}", MINE.replace("[key]", "[other]")),
        format!("token = {key}\n{MINE}"),
    ] {
        let folder = folder(&[("job.toml", job.as_bytes()), ("mine.toml", wrong.as_bytes())]);
        let problems = loaded(&folder).unwrap_err();
        assert!(!format!("{problems:?}").contains(key), "{problems:#?}");
    }
}

#[test]
fn a_default_that_does_not_serve_a_needed_call_is_told() {
    let job = "[[seeds]]\nusers = [\"u1\"]\n[vendors.justoneapi]\nfile = \"mine.toml\"";
    let mine = MINE.replace("\"mine\"", "\"justoneapi\"");
    let folder = folder(&[("job.toml", job.as_bytes()), ("mine.toml", mine.as_bytes())]);
    assert_eq!(
        messages(&folder),
        [
            "`route.note_detail` names `justoneapi`, which does not serve `note_detail`",
            "`route.user_profile` names `justoneapi`, which does not serve `user_profile`",
        ]
    );
}

#[test]
fn a_job_file_that_cannot_be_read_is_no_list_of_problems() {
    let error = load(Path::new("no-such-folder/job.toml")).unwrap_err();
    assert!(matches!(&error, LoadError::Read { .. }), "{error:?}");
    assert_eq!(error.to_string(), "cannot read the job file `no-such-folder/job.toml`");
}

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
    match load(&folder.path().join("job.toml"), None) {
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
        ("u.csv", "user_id,name\n6500000000000000000000a1,a\n\"6500000000000000000000a2\",b\n".as_bytes()),
        ("n.CSV", "https://www.xiaohongshu.com/explore/6500000000000000000000b1?x=1,a\n6500000000000000000000b2\n".as_bytes()),
    ]);
    let job = loaded(&folder).unwrap();
    let SeedKind::Queries(queries) = &job.seeds[0].kind else { panic!() };
    assert_eq!(queries.iter().map(|query| query.keyword.as_str()).collect::<Vec<_>>(), ["防晒霜", "露营"]);
    let SeedKind::Users(users) = &job.seeds[1].kind else { panic!() };
    assert_eq!(
        users.iter().map(UserId::as_str).collect::<Vec<_>>(),
        ["6500000000000000000000a1", "6500000000000000000000a2"]
    );
    let SeedKind::Notes(notes) = &job.seeds[2].kind else { panic!() };
    assert_eq!(
        notes.iter().map(NoteId::as_str).collect::<Vec<_>>(),
        ["6500000000000000000000b1", "6500000000000000000000b2"]
    );
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
        "`users_file`: `latin.txt` is in an unknown encoding: line 2 is not UTF-8",
        "`notes_file`: `.` is not a file",
    ];
    assert_eq!(messages(&folder), expected);
}

#[test]
fn a_bad_line_is_told_in_its_own_file() {
    let list = "6500000000000000000000a1\n\na b\n# c d\n6500000000000000000000a2\n";
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
    let job = "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[vendors.mine]\nfile = \"mine.toml\"\n[route]\nuser_notes = \"mine\"";
    let folder = folder(&[("job.toml", job.as_bytes()), ("mine.toml", MINE.as_bytes())]);
    let job = loaded(&folder).unwrap();
    let vendor = &job.vendors["mine"];
    assert_eq!((vendor.token_env.as_str(), vendor.base_url.as_str()), ("MINE_TOKEN", "https://api.example.com/"));
    assert_eq!(vendor.price[&Endpoint::UserNotes].as_micros(), 200_000);
    assert_eq!(job.vendors.keys().collect::<Vec<_>>(), ["justoneapi", "mine"]);
}

#[test]
fn what_is_wrong_with_a_description_is_told_in_its_own_file() {
    let job = "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[vendors.mine]\nfile = \"mine.toml\"\n[vendors.other]\nfile = \"other.toml\"\n[vendors.gone]\nfile = \"gone.toml\"\n[route]\nuser_notes = [\"mine\", \"other\", \"gone\"]";
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
    let job = "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[vendors.mine]\nfile = \"mine.toml\"";
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
    let job = "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[vendors.justoneapi]\nfile = \"mine.toml\"";
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
    let error = load(Path::new("no-such-folder/job.toml"), None).unwrap_err();
    assert!(matches!(&error, LoadError::Read { .. }), "{error:?}");
    assert_eq!(error.to_string(), "cannot read the job file `no-such-folder/job.toml`");
}

/// Loads a job with one list of keywords.
fn listed(name: &str, bytes: &[u8]) -> Result<Job, Problems> {
    let job = format!("[[seeds]]\nkeywords_file = \"{name}\"\n");
    loaded(&folder(&[("job.toml", job.as_bytes()), (name, bytes)]))
}

fn keywords(job: &Job) -> Vec<&str> {
    let queries = job.seeds.iter().flat_map(|seed| match &seed.kind {
        SeedKind::Queries(queries) => queries.as_slice(),
        other => panic!("{other:?}"),
    });
    queries.map(|query| query.keyword.as_str()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn lists_of_keywords_are_read_as_people_save_them() {
    let gbk = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    for (name, bytes, expected, read_as) in [
        ("k.txt", gbk("防晒霜\r\n露营\r\n"), &["防晒霜", "露营"][..], &["GB18030"][..]),
        ("k.txt", utf16("防晒霜\r\n露营\r\n"), &["防晒霜", "露营"], &["UTF-16LE"]),
        (
            "k.txt",
            utf16("关键词\t热度\r\n防晒霜\t1\r\n露营\t2\r\n"),
            &["防晒霜", "露营"],
            &["column `关键词`", "tabs between cells", "UTF-16LE"],
        ),
        (
            "k.csv",
            gbk("关键词;热度\r\n防晒霜;1\r\n露营;2\r\n"),
            &["防晒霜", "露营"],
            &["column `关键词`", "`;` between cells", "GB18030"],
        ),
        ("k.CSV", "\u{feff}序号,关键词\n1,防晒霜\n2,露营\n".into(), &["防晒霜", "露营"], &["column `关键词`"]),
        ("k.tsv", "热度\t关键字\n1\t防晒霜\n".into(), &["防晒霜"], &["column `关键字`", "tabs between cells"]),
        (
            "k.txt",
            "关键词\n防晒霜\n防晒霜\n".into(),
            &["防晒霜"],
            &["without its first line, `关键词`", "1 more than once"],
        ),
        ("k.csv", "keyword\n520\n1314\n".into(), &["520", "1314"], &[]),
        ("k.txt", "关键词\n520\n1314\n".into(), &["520", "1314"], &["without its first line, `关键词`"]),
        (
            "k.csv",
            "2026年11月关键词,,\n关键词,量,x\n防晒霜,1,2\n".into(),
            &["防晒霜"],
            &["column `关键词`", "without its first row, above the names of columns"],
        ),
        ("k.csv", "话题\n防晒霜\n".into(), &["防晒霜"], &[]),
        ("k.csv", "keyword|x\n防晒霜|1\n".into(), &["防晒霜"], &["column `keyword`", "`|` between cells"]),
        ("k.txt", "关键词|热度\n防晒霜|1\n".into(), &["防晒霜"], &["column `关键词`", "`|` between cells"]),
        ("k.txt", "防晒霜\u{2028}露营".into(), &["防晒霜", "露营"], &[]),
        (
            "k.txt",
            "防晒霜\n防晒霜\u{fe0f}\n防\u{34f}晒霜\n防晒霜\u{3164}\n防晒霜\u{e0001}\n防晒霜\u{fff9}\n".into(),
            &["防晒霜"],
            &[],
        ),
        ("k.txt", "# 护肤\n#防晒霜\n#露营\n咖啡\n".into(), &["防晒霜", "露营", "咖啡"], &[]),
        ("k.txt", "防晒霜,露营,咖啡".into(), &["防晒霜", "露营", "咖啡"], &[]),
        ("k.txt", "防晒霜\n防晒霜\u{200b}\n防晒霜\u{feff}\nＳＰＦ50\nSPF50\n".into(), &["防晒霜", "ＳＰＦ50"], &[]),
    ] {
        let job = listed(name, &bytes).unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(keywords(&job), expected);
        let [list] = &job.lists[..] else { panic!("{:?}", job.lists) };
        assert_eq!((list.key, list.unit, list.count), ("keywords_file", "keyword", expected.len()));
        assert_eq!((list.first.as_str(), list.last.as_str()), (expected[0], *expected.last().unwrap()));
        assert_eq!(list.read_as, read_as);
    }
}

#[test]
fn what_may_have_been_meant_otherwise_is_said() {
    for (text, warning) in [
        ("关键词：防晒霜\n", "`关键词：防晒霜` is searched too"),
        ("##口红\n", "line 1 is a hashtag"),
        ("#　口红\n", "line 1 is a hashtag"),
        ("- 防晒霜\n1. 露营\n", "line 1 has a bullet, a number or quotes"),
        ("\"防晒霜\"\n", "line 1 has a bullet, a number or quotes"),
        ("防晒霜|露营\n", "line 1 holds several keywords"),
        ("2026年11月关键词\n防晒霜\n", "`2026年11月关键词` is searched too: if it is a title"),
        ("品类\n防晒霜\n", "`品类` is searched too"),
        ("十一月\n关键词\n防晒霜\n", "`关键词` is searched too: if it names a column"),
        ("防晒霜,露营\n", "line 1 holds several keywords"),
        ("咖啡\n#防晒霜\n", "line 2 is a hashtag"),
        ("防晒霜\n防晒霜\u{200b}\nａ\na\n", "2 entries are left out: they are an earlier one but for"),
    ] {
        let job = listed("k.txt", text.as_bytes()).unwrap();
        assert!(job.lists[0].warnings[0].contains(warning), "{:?}", job.lists);
    }
    let job = listed("k.csv", "关键词\n- 防晒霜\n".as_bytes()).unwrap();
    assert_eq!(keywords(&job), ["防晒霜"]);
    assert!(job.lists[0].warnings[0].starts_with("line 2 has a bullet"), "{:?}", job.lists);
    let job = listed("k.csv", "keyword,x\n防晒霜,1\n,5\n露营,2\n\u{200b},6\n".as_bytes()).unwrap();
    assert_eq!(keywords(&job), ["防晒霜", "露营"]);
    assert_eq!(job.lists[0].warnings, ["the row on line 3 (and 1 more) names no keyword, and is left out"]);
    assert!(listed("k.txt", "防晒霜\n露营\n防晒霜\n".as_bytes()).unwrap().lists[0].warnings.is_empty());
}

#[test]
fn a_list_that_is_something_else_is_refused_with_what_to_do() {
    for (name, bytes, why, hint) in [
        ("k.xlsx", &b"PK\x03\x04\x14\0\0\0\x08\0"[..], "is an Excel workbook", "save the sheet as `CSV UTF-8`"),
        ("k.csv", b"PK\x03\x04\x14\0\0\0\x08\0", "is an Excel workbook", "save the sheet as `CSV UTF-8`"),
        ("k.rtf", b"{\\rtf1\\ansi\\ansicpg936 \\f0 x}", "is a document in RTF", "save it as plain text"),
        ("k.xls", b"<html><table><tr><td>x</td></tr></table></html>", "is HTML or XML", "as `CSV UTF-8`"),
        ("k.txt", b"%PDF-1.4\n1 0 obj\n", "is a PDF", "save it as plain text"),
        ("k.txt", "[\"防晒霜\",\"露营\"]".as_bytes(), "this is JSON", "one keyword a line"),
        ("k.json", "{\n  \"keywords\": []\n}".as_bytes(), "this is JSON", "one keyword a line"),
        (
            "k.txt",
            b"https://www.xiaohongshu.com/search_result?keyword=x\n",
            "is an address",
            "the words that are searched",
        ),
        ("k.csv", "品类,2025\n防晒霜,100\n".as_bytes(), "the table has 2 columns", "`keyword`"),
        ("k.csv", "否定关键词,量\n不要,1\n".as_bytes(), "the table has 2 columns", "`keyword`"),
        ("k.txt", "否定关键词\n不要\n".as_bytes(), "the list is called `否定关键词`", "`keyword`"),
        ("k.csv", "keyword,x\n\"防晒\n霜\",1\n".as_bytes(), "holds a line break", "an entry of its own"),
        ("k.csv", "keyword,x\n\"防晒霜,1\n露营,2\n".as_bytes(), "a quote opens here and is not closed", "close it"),
        ("k.txt", b"K\xe4se\n", "is in an unknown encoding: line 1 is not UTF-8", "save it as UTF-8"),
        ("k.csv", "1,防晒霜\n2,露营\n".as_bytes(), "the first column holds only numbers", "`keyword`"),
        ("k.csv", "序号,主题词\n1,防晒霜\n".as_bytes(), "the table has 2 columns", "`关键词`"),
        ("k.txt", "100\n200\n".as_bytes(), "the list holds only numbers", "`keyword`"),
        ("k.csv", "指标\n100\n200\n".as_bytes(), "the list holds only numbers", "`keyword`"),
        ("k.csv", "热度\n防晒霜\n".as_bytes(), "the column is called `热度`", "`keyword`"),
    ] {
        let problems = listed(name, bytes).unwrap_err().problems;
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].message.contains(why), "{problems:#?}");
        assert!(problems[0].hint.as_ref().unwrap().contains(hint), "{problems:#?}");
    }
}

#[test]
fn tables_of_notes_and_users_are_read_by_their_names_and_addresses() {
    let (note, user) = ("6500000000000000000000b1", "6500000000000000000000a1");
    let address = format!("https://www.xiaohongshu.com/explore/{note}");
    let profile = format!("https://www.xiaohongshu.com/user/profile/{user}");
    let read = |key: &str, text: &str| {
        let job = format!("[[seeds]]\n{key} = \"list.csv\"\n");
        loaded(&folder(&[("job.toml", job.as_bytes()), ("list.csv", text.as_bytes())]))
    };
    for (key, text, id) in [
        ("notes_file", format!("标题,地址\na,{address}\n"), note),
        ("notes_file", format!("标题,网页\na,{address}\n"), note),
        ("notes_file", format!("笔记,链接\na,{address}\n"), note),
        ("notes_file", format!("笔记清单,\n标题,笔记ID\na,{note}\n,\nb,\n"), note),
        ("users_file", format!("用户,主页链接\n某人,{profile}\n"), user),
        ("users_file", format!("昵称,小红书号,主页\n某人,123456789,{profile}\n"), user),
    ] {
        let job = read(key, &text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"));
        let ids: Vec<&str> = match &job.seeds[0].kind {
            SeedKind::Notes(notes) => notes.iter().map(NoteId::as_str).collect(),
            SeedKind::Users(users) => users.iter().map(UserId::as_str).collect(),
            other @ SeedKind::Queries(_) => panic!("{other:?}"),
        };
        assert_eq!(ids, [id], "{text}");
    }
    for (key, text, why) in [
        ("users_file", "小红书号\nabc_123\n".to_owned(), "the column `小红书号` holds red_ids"),
        ("users_file", "昵称,小红书号\n某人,123456789\n".to_owned(), "the column `小红书号` holds red_ids"),
        ("notes_file", format!("user_id,x\n{user},1\n"), "the column is called `user_id`, and not as one of notes"),
        ("users_file", format!("笔记ID\n{note}\n"), "the column is called `笔记ID`, and not as one of users"),
    ] {
        let problems = read(key, &text).unwrap_err().problems;
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].message.contains(why) && problems[0].hint.is_some(), "{problems:#?}");
    }
}

#[test]
fn twins_are_one_keyword_over_seeds_too() {
    let job = "[[seeds]]\nkeywords_file = \"a.txt\"\n[[seeds]]\nkeywords = [\"SPF50\", \"#露营\", \"咖啡\"]\n";
    let folder = folder(&[("job.toml", job.as_bytes()), ("a.txt", "ＳＰＦ50\n露营\n".as_bytes())]);
    assert_eq!(keywords(&loaded(&folder).unwrap()), ["ＳＰＦ50", "露营", "咖啡"]);
}

#[test]
fn a_job_file_in_another_encoding_is_told_as_that() {
    let job = "[[seeds]]\nkeywords = [\"露营\"]\n";
    for (bytes, expected) in [
        (utf16(job), "is saved as UTF-16LE, and a job file must be UTF-8"),
        (utf16(job)[2..].to_vec(), "is saved as UTF-16LE, and a job file must be UTF-8"),
        (encoding_rs::GB18030.encode(job).0.into_owned(), "is saved as GB18030, and a job file must be UTF-8"),
        (b"PK\x03\x04\x14\0\0\0\x08\0\xb7".to_vec(), "is an Excel workbook or another packed file, not text"),
        (b"name = \"K\xe4se\"\n".to_vec(), "is in an unknown encoding: line 1 is not UTF-8"),
    ] {
        let folder = folder(&[("job.toml", &bytes)]);
        let error = load(&folder.path().join("job.toml"), None).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    }
    let folder = folder(&[("job.toml", format!("\u{feff}{job}").as_bytes())]);
    assert_eq!(keywords(&loaded(&folder).unwrap()), ["露营"]);
}

#[test]
fn paths_of_a_job_count_from_its_folder_or_from_home() {
    let files = folder(&[("k.txt", "防晒霜\n".as_bytes())]);
    let home = files.path();
    let job = |dataset: &str| {
        let text = format!("{dataset}\n[[seeds]]\nkeywords_file = \"~/k.txt\"\n");
        let folder = folder(&[("job.toml", text.as_bytes())]);
        let loaded = load(&folder.path().join("job.toml"), Some(home));
        loaded.map(|job| (folder.path().to_owned(), job))
    };
    let (folder, loaded) = job("").unwrap();
    assert_eq!(loaded.dataset, folder.join("data/job"));
    let (folder, loaded) = job("dataset = \"xhs\"").unwrap();
    assert_eq!((loaded.dataset, loaded.written_dataset.as_deref()), (folder.join("xhs"), Some("xhs")));
    assert_eq!(job("dataset = \"~/xhs\"").unwrap().1.dataset, home.join("xhs"));
    assert_eq!(job("dataset = \"/srv/xhs\"").unwrap().1.dataset, Path::new("/srv/xhs"));
    for dataset in ["$HOME/xhs", "~ann/xhs", "${DATA}"] {
        let LoadError::Problems(problems) = job(&format!("dataset = \"{dataset}\"")).unwrap_err() else { panic!() };
        assert_eq!(problems.problems.len(), 1, "{problems:#?}");
        assert!(problems.problems[0].message.starts_with(&format!("`dataset`: `{dataset}` ")), "{problems:#?}");
    }
}

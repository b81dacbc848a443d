//! Wrong job files: every problem is told at once, at its place.

use super::bad;

const SEED: &str = "[[seeds]]\nkeywords = [\"a\"]\n";

/// Lists what is told as "text under the caret: message (hint)".
fn told(text: &str) -> Vec<String> {
    let problems = bad(text).problems;
    let lines = problems.iter().map(|problem| {
        let caret = problem.span.clone().map_or("-", |span| &text[span]);
        let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("{caret}: {}{hint}", problem.message)
    });
    lines.collect()
}

fn assert_told(text: &str, expected: &[&str]) {
    assert_eq!(told(text), expected, "{text}");
}

/// The same, below one good seed.
pub(super) fn assert_told_of_block(block: &str, expected: &[&str]) {
    assert_told(&format!("{SEED}{block}\n"), expected);
}

#[test]
fn a_job_needs_a_seed() {
    let hint = "(add a block [[seeds]] with keywords = [\"防晒霜\"] below it)";
    assert_told("", &[&format!("-: `seeds` is missing: a job must say what to start from {hint}")]);
    assert_told("seeds = []", &["[]: `seeds` must not be empty"]);
    assert_told("[seeds]\nkeywords = [\"a\"]", &["[seeds]: `seeds` must be a list, not a table"]);
    let names = "(one of: keywords, keywords_file, users, users_file, notes, notes_file)";
    assert_told("[[seeds]]\nmax_pages = 3", &[&format!("[[seeds]]: this seed names nothing to start from {names}")]);
}

#[test]
fn a_seed_names_one_thing() {
    assert_told(
        "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\nkeywords = [\"a\"]\nnotes_file = \"n.txt\"",
        &[
            "[\"a\"]: a seed names one thing, and this one has `users` and `keywords` (write a [[seeds]] block for each)",
            "\"n.txt\": a seed names one thing, and this one has `users` and `notes_file` (write a [[seeds]] block for each)",
        ],
    );
    assert_told("[[seeds]]\nkeywords = []", &["[]: `seeds.keywords` must not be empty"]);
    assert_told(
        "[[seeds]]\nnotes = []\n[[seeds]]\nusers = []",
        &["[]: `seeds.notes` must not be empty", "[]: `seeds.users` must not be empty"],
    );
}

#[test]
fn entries_are_told_one_by_one() {
    assert_told(
        "[[seeds]]\nkeywords = [\"a\", \"  \", 3, \"b\\u0007\"]\n[[seeds]]\nusers = [\"a b\", \"6500000000000000000000a1\", \"https://xhslink.com/a/1\"]",
        &[
            "\"  \": a keyword is empty (write the words that are searched, or take the entry out)",
            "3: `seeds.keywords` must be text, not a number",
            "\"b\\u0007\": the keyword `b·` holds a control character",
            "\"a b\": `a b` is not a user id: it holds something other than the hex digits 0-9 and a-f \
             (open the user's profile in a browser: the id is the last part of the address, \
             as in https://www.xiaohongshu.com/user/profile/5c2f338a000000000701e1c6)",
            "\"https://xhslink.com/a/1\": `https://xhslink.com/a/1` is a short link, and does not tell the user's id \
             (open it in a browser, and copy the address that it leads to)",
        ],
    );
}

#[test]
fn a_key_stands_only_where_it_means_something() {
    assert_told(
        "[[seeds]]\nusers = [\"6500000000000000000000a1\"]\nsort = \"general\"\nnote_type = \"all\"\npublished = [\"any\"]\nmax_pages = 2\n\
         [[seeds]]\nnotes = [\"6500000000000000000000b1\"]\nsort = \"general\"\nmax_pages = 1\nmax_notes = 2\nsince = 2026-01-01\nstop_when_stale = 0",
        &[
            "\"general\": `sort` narrows searches; only a seed of keywords has them",
            "\"all\": `note_type` narrows searches; only a seed of keywords has them",
            "[\"any\"]: `published` narrows searches; only a seed of keywords has them",
            "\"general\": `sort` narrows searches; only a seed of keywords has them",
            "1: `max_pages` ends walks of keywords and users; a seed of notes has none",
            "2: `max_notes` ends walks of keywords and users; a seed of notes has none",
            "2026-01-01: `since` ends walks of keywords and users; a seed of notes has none",
            "0: `stop_when_stale` ends walks of keywords and users; a seed of notes has none",
        ],
    );
}

#[test]
fn every_unknown_key_and_wrong_type_is_told_at_once() {
    let text = "nme = \"x\"\n[[seeds]]\nkeyword = [\"a\"]\nsort = \"genral\"\nmax_pages = 0\nmax_notes = \"3\"\n\
                [expand]\ndetails = \"yes\"\n[budget]\nmax_calls = -5\nmax_cost = nan\norder = \"dept\"\n\
                [vendors.justoneapi]\nconcurrency = 1000\ntimeout = 60\nprice = { search = 1 }\n[output]\nkeep_snapshots = 99999999999\n";
    let told = told(text);
    let expected = [
        "nme: unknown key `nme`, did you mean `name`?",
        "keyword: unknown key `keyword` in `seeds`, did you mean `keywords`?",
        "\"genral\": `seeds.sort` cannot be `genral`, did you mean `general`?",
        "0: `seeds.max_pages` must be at least 1",
        "\"3\": `seeds.max_notes` must be a whole number, not text",
        "\"yes\": `expand.details` must be true or false, not text",
        "-5: `budget.max_calls` must be at least 1",
        "nan: `budget.max_cost` must be a finite number",
        "\"dept\": `budget.order` cannot be `dept`, did you mean `depth`?",
        "1000: `vendors.justoneapi.concurrency` must be from 1 to 512",
        "60: `vendors.justoneapi.timeout` must be text, not a number",
        "search: unknown key `search` in `vendors.justoneapi.price`",
        "99999999999: `output.keep_snapshots` is too big a number",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told} is not {expected}");
    }
    assert!(told[1].ends_with("(known here: keywords, keywords_file, users, users_file, notes, notes_file, sort, note_type, published, max_pages, max_notes, since, stop_when_stale)"), "{}", told[1]);
}

#[test]
fn what_other_keyboards_and_systems_write_is_told_with_what_to_type() {
    for (text, hint) in [
        ("[[seeds]]\nkeywords = [“防晒霜”，“露营”]\n", "(type `\"` in place of `“`, `,` in place of `，`: "),
        ("[[seeds]]\nkeywords = [\"防晒霜\"，\"露营\"]\n", "(type `,` in place of `，`: "),
        ("[[seeds]]\nkeywords = [‘防晒霜’]\n", "(type `'` in place of `‘`: "),
        ("【【seeds】】\nkeywords = [\"a\"]\n", "(type `[` in place of `【`, `]` in place of `】`: "),
        ("name ＝ \"a\"\n[[seeds]]\nkeywords = [\"a\"]\n", "(type `=` in place of `＝`: "),
        ("dataset = \"C:\\data\\xhs\"\n[[seeds]]\nkeywords = [\"a\"]\n", "put a path of Windows between single quotes"),
        ("dataset = \"D:\\Users\\x\"\n[[seeds]]\nkeywords = [\"a\"]\n", "put a path of Windows between single quotes"),
        ("[[seeds]]\nkeywords_file = \"lists\\kw.txt\"\n", "put a path of Windows between single quotes"),
        ("dataset = \"C:\\temp\\new\"\n[[seeds]]\nkeywords = [\"a\"]\n", "a path with `\\` goes between single quotes"),
    ] {
        let told = told(text);
        assert!(told[0].contains(hint), "{told:#?}");
    }
}

#[cfg(not(windows))]
#[test]
fn a_path_that_would_name_another_folder_is_told() {
    for (path, why) in [
        ("'C:\\data\\xhs'", "is a path of Windows"),
        ("'C:/data/xhs'", "is a path of Windows"),
        ("\"$HOME/xhs\"", "variables are not expanded"),
        ("\"%USERPROFILE%/xhs\"", "variables are not expanded"),
        ("\"~ann/xhs\"", "another user's `~`"),
        // No home folder is known to a check of a text.
        ("\"~/xhs\"", "no home folder is known"),
    ] {
        let told = told(&format!("dataset = {path}\n{SEED}"));
        assert!(told.len() == 1 && told[0].contains(why), "{told:#?}");
    }
}

#[test]
fn every_syntax_error_is_told_once() {
    let told = told("name = \n[[seeds]]\nkeywords = [\"a\"\nusers == 3\n");
    assert!(told.len() >= 2, "{told:#?}");
    assert!(told.iter().all(|line| line.contains("cannot be read as TOML: ")), "{told:#?}");
}

#[test]
fn wrong_words_are_told_together_with_wrong_keys() {
    assert_told(
        "name = \"Sun Screen\"\ncolour = 1\n[[seeds]]\nkeywords = [\"a\"]\nsince = \"2026-01-01T00:00:00\"\n[refresh]\ndetails = \"chnged\"\nauthors = \"7\"\n",
        &[
            "\"Sun Screen\": `name` must be 1 to 64 of a-z, 0-9, `_` and `-`, not `Sun Screen`",
            "colour: unknown key `colour` (known here: name, dataset, seeds, expand, refresh, budget, vendors, route, output, \
             archive, report, state, columns, privacy)",
            "\"2026-01-01T00:00:00\": `since` must be a UTC date or an RFC 3339 time, not `2026-01-01T00:00:00` \
             (add the zone, `Z` for UTC: \"2026-01-01T00:00:00Z\")",
            "\"chnged\": `refresh.details` cannot be `chnged`, did you mean `changed`? (an age such as \"7d\" or \"12h\", \
             or one of: always, forever, changed)",
            "\"7\": `refresh.authors` cannot be `7` (an age such as \"7d\" or \"12h\", or one of: always, forever)",
        ],
    );
}

#[test]
fn a_file_whose_name_cannot_serve_needs_a_name() {
    let problems = crate::job::check("My Job.toml", std::path::Path::new(""), SEED).unwrap_err().problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("`My Job`, the file's name, cannot serve"), "{problems:?}");
}

#[test]
fn the_same_in_two_seeds_must_have_the_same_limits() {
    assert_told(
        "[[seeds]]\nkeywords = [\"a\", \"b\", \"c\"]\n[[seeds]]\nkeywords = [\"b\", \"d\", \"c\"]\nmax_pages = 2\n\
         [[seeds]]\nusers = [\"6500000000000000000000a1\"]\n[[seeds]]\nusers = [\"6500000000000000000000a2\", \"6500000000000000000000a1\"]\nsince = 2026-01-01",
        &[
            "[\"b\", \"d\", \"c\"]: `b` (and 1 more) stands in seed 1 too, with other limits \
             (give both seeds the same limits, or take it out of one of them)",
            "[\"6500000000000000000000a2\", \"6500000000000000000000a1\"]: `6500000000000000000000a1` stands in seed 3 too, with other limits \
             (give both seeds the same limits, or take it out of one of them)",
        ],
    );
}

#[test]
fn what_is_not_carried_out_is_told() {
    let text = format!("dataset = \"s3://bucket/x\"\n{SEED}[output]\ndelta = true\n[state]\npostgres_env = \"PG\"\n");
    let told = told(&text);
    let carets: Vec<&str> = told.iter().filter_map(|line| line.split(": ").next()).collect();
    let expected = ["\"s3://bucket/x\"", "true", "\"PG\""];
    assert_eq!(carets.len(), expected.len(), "{told:#?}");
    assert!(told.iter().all(|line| line.contains("is not carried out by this version yet (")), "{told:#?}");
    for (line, caret) in told.iter().zip(expected) {
        assert!(line.starts_with(caret), "{line} is not at {caret}");
    }
    assert_told_of_block(
        "[archive]\nretain = \"for ever\"",
        &[
            "\"for ever\": `archive.retain` cannot be `for ever`, did you mean `forever`? (an age such as \"90d\", or one of: forever, none)",
        ],
    );
    assert_told_of_block(
        "[archive]\nretain = \"0d\"",
        &["\"0d\": `archive.retain` cannot be `0d` (an age such as \"90d\", or one of: forever, none)"],
    );
    assert_told(
        &format!("dataset = \"gs://b\"\n{SEED}"),
        &["\"gs://b\": `dataset` must be a folder or s3://bucket/prefix, not `gs://b`"],
    );
}

#[test]
fn a_column_needs_a_name_of_its_own_and_a_pointer() {
    assert_told_of_block(
        "[columns.notes]\nPrice = { path = \"/p\", type = \"int64\" }\ntitle = { path = \"/t\", type = \"string\" }\n\
         published_month = { path = \"/m\", type = \"string\" }\na = { path = \"price.now\", type = \"int64\" }\n\
         b = { path = \"/a~b\", type = \"json\" }\nc = { path = \"\", type = \"string\" }\nd = { path = \"\", type = \"json\" }\n\
         e = { path = \"/e~0~1\", type = \"jsn\" }\n[columns.authors]\nfans_count = { path = \"/f\", type = \"int64\" }\n\
         [columns.author]\n",
        &[
            "{ path = \"/p\", type = \"int64\" }: `columns.notes.Price` must be named by 1 to 64 of a-z, 0-9 and `_`, \
             beginning with a letter",
            "{ path = \"/t\", type = \"string\" }: `columns.notes.title`: `notes` has a column of this name (choose \
             another name)",
            "{ path = \"/m\", type = \"string\" }: `columns.notes.published_month`: readers make a column of this name \
             from the folders (choose another name)",
            "\"price.now\": `columns.notes.a.path` must be a JSON pointer, which begins with `/`, not `price.now` (did you \
             mean \"/price/now\"?)",
            "\"/a~b\": `columns.notes.b.path` must be a JSON pointer, and `~` stands alone in `/a~b` (in a JSON pointer \
             `~0` stands for `~`, and `~1` for `/`)",
            "\"\": `columns.notes.c.path` names the whole object (name a field, such as \"/price\", or keep the object \
             with type = \"json\")",
            "\"jsn\": `columns.notes.e.type` cannot be `jsn`, did you mean `json`? (one of: string, int64, float64, bool, \
             timestamp, json)",
            "{ path = \"/f\", type = \"int64\" }: `columns.authors.fans_count`: `authors` has a column of this name \
             (choose another name)",
            "author: unknown key `author` in `columns`, did you mean `authors`? (known here: notes, authors)",
        ],
    );
}

#[test]
fn only_columns_that_are_no_keys_can_be_dropped() {
    let hint = "a table and a column, such as \"notes.ip_location\"; `notemill schema tables` lists them";
    let all = "columns of `author_tags`: author_id, position, kind, name";
    assert_told_of_block(
        "[privacy]\ndrop = [\"notes.ip_location\", \"notes.note_id\", \"author_tags.knd\", \"notes\", \
         \"author_tag.kind\", \"colour\", \"search_hits.seed\"]",
        &[
            "\"notes.note_id\": `privacy.drop` names `notes.note_id`, which is a key of `notes` (a table's keys cannot be \
             left out: they tell its rows apart)",
            &format!(
                "\"author_tags.knd\": `privacy.drop` names `author_tags.knd`, which is no column, did you mean `kind`? ({all})"
            ),
            "\"notes\": `privacy.drop` names all of `notes` (name the columns to leave out, such as \"notes.ip_location\")",
            &format!(
                "\"author_tag.kind\": `privacy.drop` names `author_tag.kind`, which is no column, did you mean `author_tags.kind`? ({hint})"
            ),
            &format!("\"colour\": `privacy.drop` names `colour`, which is no column ({hint})"),
            "\"search_hits.seed\": `privacy.drop` names `search_hits.seed`, which is a key of `search_hits` (a table's keys \
             cannot be left out: they tell its rows apart)",
        ],
    );
}

#[test]
fn a_column_needs_its_path_and_type() {
    let told = told(&format!(
        "{SEED}[columns.notes]\nprice = {{ path = \"/price\" }}\nsold = {{ path = \"/s\", type = \"int\" }}\n"
    ));
    assert!(told[0].starts_with("{ path = \"/price\" }: `columns.notes.price.type` is missing"), "{told:#?}");
    assert!(told[1].starts_with("\"int\": `columns.notes.sold.type` cannot be `int`"), "{told:#?}");
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[test]
fn a_version_for_videos_is_refused_where_other_notes_are_led_to() {
    let job =
        |seed: &str| format!("seeds = [{{ {seed} }}]\n[vendors.justoneapi]\nversion = {{ note_detail = \"v6\" }}\n");
    for seed in [
        "keywords = [\"k\"]",
        "keywords = [\"k\"]\nnote_type = [\"video\", \"image\"]",
        "users = [\"5c2f338a000000000701e1c6\"]",
    ] {
        let seed = seed.replace('\n', ", ");
        assert_eq!(
            told(&job(&seed)),
            [
                "\"v6\": `vendors.justoneapi.version.note_detail`: `v6` shows video notes alone, and this job also leads to \
              others (choose another version, or search with note_type = \"video\" alone)"
            ],
            "{seed}"
        );
    }
    for seed in ["keywords = [\"k\"], note_type = \"video\"", "notes = [\"698ab064000000001503876d\"]"] {
        crate::job::check("job.toml", std::path::Path::new(""), &job(seed)).unwrap();
    }
    let listings = job("keywords = [\"k\"]") + "[expand]\ndetails = false\n";
    crate::job::check("job.toml", std::path::Path::new(""), &listings).unwrap();
}

#[test]
fn vendors_are_checked_against_their_descriptions() {
    assert_told_of_block(
        "[vendors.justonapi]\n[vendors.justoneapi]\nregion = \"china\"\ntimeout = \"500ms\"\nversion = { search_notes = \"v1\" }\n\
         price = { note_detail = 0.1234567 }\ntoken_env = \"\"\n[vendors.spiderhubs]\nversion = { note_detail = \"v1\" }\nprice = { user_profile = 1 }",
        &[
            "[vendors.justonapi]: `vendors.justonapi` is not built in, and has no `file`, did you mean `justoneapi`? \
             (name its description, such as file = \"vendors/mine.toml\")",
            "\"china\": `vendors.justoneapi.region` cannot be `china` (one of: cn, global)",
            "\"500ms\": `vendors.justoneapi.timeout` must be from \"1s\" to \"10m\", not `500ms`",
            "\"v1\": `vendors.justoneapi.version.search_notes` cannot be `v1`, did you mean `v2`? (described: v2, v4)",
            "0.1234567: `vendors.justoneapi.price.note_detail` must be a number from 0 to 1000000000 with at most 6 decimals",
            "\"\": `vendors.justoneapi.token_env` must be the name of an environment variable",
            "\"v1\": `vendors.spiderhubs.version.note_detail`: this vendor does not serve `note_detail`",
            "1: `vendors.spiderhubs.price.user_profile`: this vendor does not serve `user_profile`",
        ],
    );
}

#[test]
fn plain_http_must_be_allowed() {
    let plain = "is plain HTTP to another machine: the key would travel in the clear (use https://, or accept it with allow_plain_http = true)";
    assert_told_of_block(
        "[vendors.justoneapi]\nregion = \"cn\"",
        &[&format!("\"cn\": `vendors.justoneapi.region` {plain}")],
    );
    assert_told_of_block(
        "[vendors.justoneapi]\nregion = \"cn\"\nbase_url = \"http://example.com\"",
        &[
            "\"http://example.com\": `vendors.justoneapi` has both `region` and `base_url`: they exclude each other",
            &format!("\"http://example.com\": `vendors.justoneapi.base_url` {plain}"),
        ],
    );
}

#[test]
fn the_route_names_vendors_that_serve_the_call() {
    assert_told_of_block(
        "[route]\nsearch_notes = \"spiderhubs\"\nuser_notes = [\"spiderhub\", \"justoneapi\", \"justoneapi\"]\nnote_detail = []\nuser_profil = \"justoneapi\"",
        &[
            "\"spiderhubs\": `route.search_notes` names `spiderhubs`, which does not serve `search_notes` (served by: justoneapi)",
            "\"spiderhub\": `route.user_notes` names `spiderhub`, which is no vendor, did you mean `spiderhubs`? (known here: justoneapi, spiderhubs)",
            "\"justoneapi\": `route.user_notes` names `justoneapi` twice",
            "[]: `route.note_detail` must not be empty",
            "user_profil: unknown key `user_profil` in `route`, did you mean `user_profile`? (known here: search_notes, user_notes, note_detail, user_profile)",
        ],
    );
}

#[test]
fn a_budget_that_allows_nothing_is_a_mistake() {
    assert_told_of_block(
        "[budget]\nmax_calls = 0\nmax_cost = 0\nmax_calls_per_day = 0\nmax_cost_per_day = 0\nmax_total_cost = -1",
        &[
            "0: `budget.max_calls` must be at least 1",
            "0: `budget.max_cost` must be more than 0",
            "0: `budget.max_calls_per_day` must be at least 1",
            "0: `budget.max_cost_per_day` must be more than 0",
            "-1: `budget.max_total_cost` must be a number from 0 to 1000000000 with at most 6 decimals",
        ],
    );
}

#[test]
fn an_old_key_leads_to_the_new_one() {
    assert_told_of_block(
        "[budget]\ndaily_calls = 5",
        &["daily_calls: unknown key `daily_calls` in `budget`, did you mean `max_calls_per_day`? (known here: \
            max_calls, max_cost, max_calls_per_day, max_cost_per_day, max_total_cost, order)"],
    );
}

#[test]
fn text_from_the_file_reaches_no_terminal_raw() {
    for problem in bad("name = \"\\u001b[31m\"\n\"\\u0007key\" = 1\n[[seeds]]\nusers = [\"\\u001b]0;x\"]").problems {
        assert!(!problem.message.contains(char::is_control), "{problem:?}");
    }
}

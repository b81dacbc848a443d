//! Lists of seeds as people save and paste them: what is read is said first, and nothing else is asked.

use crate::cli::Desk;
use crate::messages::{assert_seen, seen};
use crate::scripted::{DETAIL, NOTES, PROFILE, SEARCH, Scripted, full, ok};

const NOTE: &str = "698ab064000000001503876d";
const USER: &str = "5c2f338a000000000701e1c6";

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn desk_with(job: &str, files: &[(&str, Vec<u8>)]) -> Desk {
    let desk = Desk::new(job);
    for (name, bytes) in files {
        std::fs::write(desk.path(name), bytes).unwrap();
    }
    desk
}

#[test]
fn check_and_plan_say_what_was_read() {
    let job = "[[seeds]]\nkeywords_file = \"excel.csv\"\nmax_pages = 1\n[[seeds]]\nkeywords_file = \"notepad.txt\"\nmax_pages = 1\n\
               [[seeds]]\nkeywords_file = \"pasted.txt\"\nmax_pages = 1\n[[seeds]]\nnotes_file = \"notes.csv\"\n\
               [expand]\ndetails = false\nauthors = false\n[budget]\nmax_calls = 100\n";
    let desk = desk_with(
        job,
        &[
            ("excel.csv", gbk("序号;关键词\r\n1;防晒霜\r\n2;防晒衣\r\n")),
            ("notepad.txt", utf16("露营\r\n咖啡\r\n露营\r\n")),
            ("pasted.txt", "#帐篷\n炉子,水杯、椅子\n水杯\u{200b}\n".into()),
            ("notes.csv", format!("note_id,liked\n{NOTE},3\n").into()),
        ],
    );
    assert_seen!(desk, &["check", "job.toml"]);
    assert_seen!(desk, &["plan", "job.toml"]);
    let said = seen(&desk, &["check", "job.toml", "--json"]);
    assert!(said.contains(r#""count":2,"first":"防晒霜","last":"防晒衣","read_as":["column `关键词`","#), "{said}");
}

#[test]
fn what_is_no_list_of_keywords_is_told_with_what_to_do() {
    let job = "[[seeds]]\nkeywords_file = \"a.xlsx\"\n[[seeds]]\nkeywords_file = \"b.csv\"\n[[seeds]]\nkeywords_file = \"c.csv\"\n\
               [[seeds]]\nusers = [\"123456789\", \"https://xhslink.cn/m/AbC\"]\n[[seeds]]\nnotes = [\"698ab064000000001503876\"]\n";
    let desk = desk_with(
        job,
        &[
            ("a.xlsx", b"PK\x03\x04\x14\0\0\0\x08\0\xb7\xc0".to_vec()),
            ("b.csv", "1,防晒霜\n2,露营\n".into()),
            ("c.csv", "主题词,热度\n防晒霜,100\n".into()),
        ],
    );
    assert_seen!(desk, &["check", "job.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_keywords_are_searched() {
    let vendor = Scripted::start(|_| ok(serde_json::json!({ "items": [] }))).await;
    for (name, bytes, keywords) in [
        ("semicolon.csv", "\u{feff}关键词;热度\r\n防晒霜;100\r\n露营;200\r\n".into(), &["防晒霜", "露营"][..]),
        ("numbered.csv", "\u{feff}序号,关键词\n1,防晒霜\n2,露营\n".into(), &["防晒霜", "露营"]),
        ("hashtags.txt", "#防晒霜\n#露营\n咖啡\n".into(), &["咖啡", "防晒霜", "露营"]),
        ("commas.txt", "防晒霜,露营,咖啡\n".into(), &["咖啡", "防晒霜", "露营"]),
        ("invisible.txt", "防晒霜\n防晒霜\u{200b}\n防晒霜\u{feff}\n".into(), &["防晒霜"]),
        ("gbk.txt", gbk("防晒霜\r\n露营\r\n"), &["防晒霜", "露营"]),
        ("utf16.txt", utf16("防晒霜\r\n"), &["防晒霜"]),
        ("title.csv", "2026年11月关键词,,\n关键词,量,x\n防晒霜,1,2\n,5,\n".into(), &["防晒霜"]),
        ("bullets.txt", "- 防晒霜\n2. 露营\n\"咖啡\"\n##茶\n".into(), &["咖啡", "茶", "防晒霜", "露营"]),
        ("pipes.md", "| 关键词 | 热度 |\n|---|---|\n| 防晒霜 | 1 |\n".into(), &["防晒霜"]),
        (
            "lookalikes.txt",
            "防晒霜\n防晒霜\u{fe0f}\n防\u{34f}晒霜\n防晒霜\u{3164}\n防晒霜\u{e0001}\n".into(),
            &["防晒霜"],
        ),
        ("numbers.csv", "keyword\n520\n1314\n".into(), &["1314", "520"]),
        ("width.csv", "Keyword\nＳＰＦ50\nSPF50\n".into(), &["ＳＰＦ50"]),
    ] {
        vendor.forget();
        let job = format!(
            "[[seeds]]\nkeywords_file = \"{name}\"\nmax_pages = 1\n[vendors.justoneapi]\nbase_url = \"{}\"\n",
            vendor.base_url
        );
        let desk = desk_with(&job, &[(name, bytes)]);
        assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0, "{name}");
        let mut asked = vendor.lines();
        asked.sort();
        let expected: Vec<String> = keywords
            .iter()
            .map(|keyword| format!("{SEARCH} keyword={keyword} noteType=_0 page=1 sort=general"))
            .collect();
        assert_eq!(asked, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_for_a_file_that_may_be_something_else() {
    let vendor = Scripted::start(|_| ok(serde_json::json!({ "items": [] }))).await;
    for (name, text) in [
        ("category.csv", "品类,2025\n防晒霜,100\n"),
        ("remarks.csv", "名称,备注,2025\n防晒霜,x,100\n"),
        ("negative.csv", "否定关键词,量\n不要,1\n"),
        ("negative.txt", "否定关键词\n不要\n"),
        ("title.csv", "2026年11月关键词,,\n品类,量,x\n防晒霜,1,2\n"),
        ("edit.rtf", "{\\rtf1\\ansi\\ansicpg936\n\\f0 \\u38450 ?}"),
        ("sheet.xls", "<html><body><table><tr><td>防晒霜</td></tr></table></body></html>"),
        ("print.txt", "%PDF-1.4\n1 0 obj\n"),
        ("list.json", "[\"防晒霜\",\"露营\"]"),
        ("search.txt", "https://www.xiaohongshu.com/search_result?keyword=%E9%98%B2%E6%99%92\n"),
        ("notes.txt", "698ab064000000001503876d\n698ab064000000001503876e\n"),
        ("quote.csv", "keyword,x\n\"防晒霜,1\n露营,2\n"),
    ] {
        let job = format!(
            "[[seeds]]\nkeywords_file = \"{name}\"\nmax_pages = 1\n[vendors.justoneapi]\nbase_url = \"{}\"\n",
            vendor.base_url
        );
        let desk = desk_with(&job, &[(name, text.into())]);
        let output = desk.run(&["run", "job.toml", "-q"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains("hint: "), "{name}: {told}");
    }
    assert_eq!(vendor.lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_asked_by_their_ids() {
    let vendor = Scripted::start(full).await;
    let other = "698ab0640000000015038AAA";
    let notes = format!(
        "https://www.xiaohongshu.com/user/profile/{USER}/{NOTE}?xsec_token=AB=\n\
         77 【标题 - 某人 | 小红书】 😆 AbC 😆 https://www.xiaohongshu.com/discovery/item/{NOTE}?source=webshare\n\
         https://www.rednote.com/search_result/{other}，\n"
    );
    let job = format!(
        "[[seeds]]\nnotes_file = \"notes.txt\"\n[[seeds]]\nusers = [\"主页 https://www.rednote.com/user/profile/{USER}\", \"{}\"]\n\
         [expand]\ndetails = false\nauthors = false\n[vendors.justoneapi]\nbase_url = \"{}\"\n",
        USER.to_uppercase(),
        vendor.base_url
    );
    let desk = desk_with(&job, &[("notes.txt", notes.into())]);
    assert_eq!(desk.code(&["run", "job.toml", "-q"]), 0);
    let mut asked = vendor.lines();
    asked.sort();
    let other = other.to_lowercase();
    let expected =
        [format!("{DETAIL} noteId={NOTE}"), format!("{DETAIL} noteId={other}"), format!("{NOTES} userId={USER}")];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(asked, expected);
    assert_eq!(vendor.count(PROFILE), 0);
}

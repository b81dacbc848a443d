//! Names of columns in lists of seeds.

use unicode_normalization::UnicodeNormalization as _;

use super::lists::Named;

const KEYWORDS: &[&str] = &[
    "keyword",
    "keywords",
    "关键词",
    "关键字",
    "词",
    "词条",
    "搜索词",
    "检索词",
    "query",
    "queries",
    "search",
    "search term",
    "search terms",
    "term",
    "terms",
    "话题",
    "话题词",
    "topic",
    "topics",
    "hashtag",
    "hashtags",
];
/// Endings of longer names for such a column, as in `搜索关键词`.
const SURE: &[&str] = &["关键词", "关键字", "搜索词", "检索词", "keyword", "keywords"];
/// Marks of a column that holds what must not be searched, as in `否定关键词`.
const EXCLUDED: &[&str] = &[
    "否定",
    "排除",
    "屏蔽",
    "过滤",
    "违禁",
    "禁用",
    "禁止",
    "敏感",
    "剔除",
    "negative",
    "exclud",
    "exclusion",
    "block",
    "banned",
    "forbidden",
    "stop",
];
/// Names of a column of red ids, for which no provider can be asked.
const RED_IDS: &[&str] = &["小红书号", "红书号", "小红书id", "red_id", "redbook_id"];
const USERS: &[&str] = &[
    "user_id",
    "user",
    "users",
    "uid",
    "author_id",
    "用户id",
    "博主id",
    "作者id",
    "用户",
    "博主",
    "作者",
    "主页链接",
    "主页",
    "链接",
    "id",
    "url",
    "link",
    "profile",
    "profile url",
    "profile link",
    "用户主页",
    "博主主页",
    "作者主页",
    "主页地址",
    "主页网址",
    "用户链接",
    "博主链接",
    "作者链接",
    "达人id",
    "达人主页",
    "达人链接",
    "地址",
    "网址",
    "address",
];
const NOTES: &[&str] = &[
    "note_id",
    "note",
    "notes",
    "笔记id",
    "笔记链接",
    "笔记",
    "链接",
    "id",
    "url",
    "link",
    "note_url",
    "note link",
    "笔记地址",
    "笔记网址",
    "作品id",
    "作品链接",
    "帖子id",
    "帖子链接",
    "分享链接",
    "地址",
    "网址",
    "address",
];
/// Names of other columns that such tables have.
const OTHERS: &[&str] = &[
    "序号",
    "编号",
    "no",
    "number",
    "index",
    "rank",
    "排名",
    "热度",
    "指数",
    "搜索量",
    "搜索指数",
    "volume",
    "search volume",
    "count",
    "数量",
    "名称",
    "name",
    "标题",
    "title",
    "日期",
    "date",
    "分类",
    "类目",
    "类别",
    "类型",
    "品类",
    "品牌",
    "状态",
    "来源",
    "type",
    "brand",
    "status",
    "source",
    "category",
    "备注",
    "remark",
    "id",
];

/// Returns the names of the column that holds what is wanted, the surest first.
fn names(named: Named) -> &'static [&'static str] {
    match named {
        Named::Keywords => KEYWORDS,
        Named::Users => USERS,
        Named::Notes => NOTES,
    }
}

/// Finds the column that holds what is wanted by the cells of the first row.
pub(super) fn column(cells: &[&str], named: Named) -> Option<usize> {
    columns(cells, named).first().copied()
}

/// Lists the columns that may hold what is wanted, the surest first.
pub(super) fn columns(cells: &[&str], named: Named) -> Vec<usize> {
    let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
    names(named).iter().filter_map(|name| cells.iter().position(|cell| *cell == plain(name))).collect()
}

/// Finds the one column of keywords that has a longer name, such as `搜索关键词`. If no other cells are filled, it is a
/// title or a keyword; if a number stands in the row, it is data.
pub(super) fn longer_named(cells: &[&str]) -> Option<usize> {
    let filled = cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    if filled < 2 || cells.iter().any(|cell| is_number(cell)) {
        return None;
    }
    let is_longer = |cell: &str| {
        // What stands in parentheses is a remark: `Keyword (zh)`.
        let name = plain(cell.split(['(', '（']).next().unwrap_or_default());
        SURE.iter().any(|sure| name.ends_with(sure)) && !is_excluded(cell)
    };
    let mut longer = cells.iter().enumerate().filter(|(_, cell)| is_longer(cell)).map(|(at, _)| at);
    longer.next().filter(|_| longer.next().is_none())
}

/// Returns true if a cell is a sure name of a column of keywords, and hardly a keyword.
pub(super) fn is_sure(cell: &str) -> bool {
    SURE.contains(&plain(cell).as_str())
}

/// Returns true if a cell holds such a name, with other words around it: it may be a title.
pub(super) fn holds_sure(cell: &str) -> bool {
    SURE.iter().any(|name| plain(cell).contains(name))
}

/// Returns true if a cell names a column of keywords that must not be searched.
pub(super) fn is_excluded(cell: &str) -> bool {
    let cell = plain(cell);
    let is_of_words = holds_sure(&cell) || cell.ends_with('词') || cell.contains("term") || cell.contains("word");
    is_of_words && EXCLUDED.iter().any(|mark| cell.contains(mark))
}

/// Returns true if a cell names a column of red ids.
pub(super) fn is_red_id(cell: &str) -> bool {
    let cell = plain(cell);
    RED_IDS.iter().any(|name| cell == plain(name))
}

/// Returns true if a cell names a column that holds something else.
pub(super) fn is_other(cell: &str) -> bool {
    let cell = plain(cell);
    OTHERS.iter().any(|name| cell == plain(name))
}

/// Says which names are known.
pub(super) fn advice(named: Named) -> String {
    let known = names(named).iter().take(4).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let unit = named.unit();
    format!("name the column with the {unit}s in the first row ({known}, …), or write one {unit} a line")
}

/// A name without case, width, spaces and punctuation: `User ID` is `user_id`.
fn plain(name: &str) -> String {
    name.nfkc().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// Returns true for what is a number to a spreadsheet.
pub(super) fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    cell.contains(|c: char| c.is_ascii_digit()) && cell.chars().all(|c| c.is_ascii_digit() || ".,%+-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_by_its_name_in_any_spelling() {
        for (cells, named, at) in [
            (&["序号", "关键词"][..], Named::Keywords, Some(1)),
            (&["\u{feff}Keyword ", "volume"], Named::Keywords, Some(0)),
            (&["热度", "关键字："], Named::Keywords, Some(1)),
            (&["Search Terms"], Named::Keywords, Some(0)),
            (&["ＱＵＥＲＹ"], Named::Keywords, Some(0)),
            (&["note_id", "User ID"], Named::Users, Some(1)),
            (&["id", "noteId"], Named::Notes, Some(1)),
            (&["用户 ID"], Named::Users, Some(0)),
            (&["防晒霜", "100"], Named::Keywords, None),
            (&["主题词", "热度"], Named::Keywords, None),
        ] {
            assert_eq!(column(cells, named), at, "{cells:?}");
        }
    }

    #[test]
    fn a_longer_name_is_one_only_beside_other_names() {
        for (cells, at) in [
            (&["热度", "搜索关键词"][..], Some(1)),
            (&["Keyword (zh)", "volume"], Some(0)),
            (&["2026年11月关键词", ""], None),
            (&["否定关键词", "量"], None),
            (&["否定关键词", "投放关键词"], Some(1)),
            (&["关键词分类", "热度"], None),
            (&["核心关键词", "长尾关键词"], None),
            (&["关键词优化", "100"], None),
            (&["关键词优化"], None),
        ] {
            assert_eq!(longer_named(cells), at, "{cells:?}");
        }
    }

    #[test]
    fn what_must_not_be_searched_is_known_by_its_name() {
        for name in ["否定关键词", "排除词", "屏蔽搜索词", "Negative keywords", "Excluded search term"] {
            assert!(is_excluded(name), "{name}");
        }
        for name in ["关键词", "屏蔽门", "敏感肌", "防晒霜", "keyword", "stop motion"] {
            assert!(!is_excluded(name), "{name}");
        }
    }

    #[test]
    fn numbers_are_what_spreadsheets_count() {
        assert!(["1", "3,210", "0.5", "12%", "-3"].into_iter().all(is_number));
        assert!(!["", "spf50", "1.2万", "-", "2026年"].into_iter().any(is_number));
    }
}

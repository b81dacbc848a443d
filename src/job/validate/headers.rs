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
];
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
];
const NOTES: &[&str] =
    &["note_id", "note", "notes", "笔记id", "笔记链接", "笔记", "链接", "id", "url", "link", "note_url"];
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
    let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
    names(named).iter().find_map(|name| cells.iter().position(|cell| *cell == plain(name)))
}

/// Finds the column of keywords that has a longer name, such as `搜索关键词`. Where no other columns are, or numbers
/// stand in the row, it may be a keyword.
pub(super) fn longer_named(cells: &[&str]) -> Option<usize> {
    if cells.len() < 2 || cells.iter().any(|cell| is_number(cell)) {
        return None;
    }
    let is_longer =
        |cell: &&str| ["关键词", "关键字", "搜索词", "keyword"].iter().any(|name| plain(cell).contains(name));
    cells.iter().position(is_longer)
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
            (&["关键词优化", "100"], None),
            (&["关键词优化"], None),
        ] {
            assert_eq!(longer_named(cells), at, "{cells:?}");
        }
    }

    #[test]
    fn numbers_are_what_spreadsheets_count() {
        assert!(["1", "3,210", "0.5", "12%", "-3"].into_iter().all(is_number));
        assert!(!["", "spf50", "1.2万", "-", "2026年"].into_iter().any(is_number));
    }
}

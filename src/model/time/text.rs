//! Times in words: dates, days by name, and times counted back from now, perhaps with a place behind.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone, offset};
use jiff::{SignedDuration, Span, Timestamp};

/// Words before a time that say what happened then.
const BEFORE: &[&str] = &[
    "最后",
    "最近",
    "编辑",
    "发布",
    "更新",
    "修改",
    "创建",
    "发表",
    "时间",
    "于",
    "：",
    ":",
    "last ",
    "edited ",
    "posted ",
    "published ",
    "updated ",
    "on ",
];
/// What may stand between a time and a place.
const BETWEEN: &[char] = &[' ', '\u{3000}', '\u{a0}', '·', '•', ',', '，', '|', '：', ':', '-', '—', '\t'];
/// Words before a place that say that it is one.
const OF_PLACES: &[&str] = &["IP属地", "ip属地", "来自", "发布于", "于"];

/// Reads a time and what stands behind it; none unless the text is a time, alone or with words without digits behind.
pub(super) fn read(text: &str, now: Timestamp) -> Option<(Timestamp, &str)> {
    let mut text = Text(text.trim());
    while text.skip_any(BEFORE) {}
    let time = ago(&mut text.clone(), now).or_else(|| calendar(&mut text.clone(), now));
    let (time, rest) = time?;
    let rest = rest.trim_start_matches(BETWEEN).trim_end();
    // A number behind would be part of a time that nobody understands.
    let is_words = rest.is_empty() || (rest.chars().any(char::is_alphabetic) && !rest.contains(char::is_numeric));
    is_words.then_some((time, rest))
}

/// Returns the place that stands after a time: `广东` of `01-02 广东`. What is not plainly a Chinese name is none.
pub fn place_after_time(text: &str) -> Option<&str> {
    let mut rest = Text(read(text, Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 20_000))?.1);
    while rest.skip_any(OF_PLACES) {
        rest.0 = rest.0.trim_start_matches(BETWEEN);
    }
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let is_place = (2..=10).contains(&rest.0.chars().count()) && rest.0.chars().all(is_han);
    let says_else = ["编辑", "修改", "更新", "置顶", "发布"].iter().any(|word| rest.0.contains(word));
    (is_place && !says_else).then_some(rest.0)
}

/// Returns the moment of a date and clock in China; none outside what a timestamp holds.
pub(super) fn in_china(at: DateTime) -> Option<Timestamp> {
    at.to_zoned(china()).ok().map(|zoned| zoned.timestamp())
}

fn china() -> TimeZone {
    TimeZone::fixed(offset(8))
}

/// A text that is read from its front.
#[derive(Clone)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn spaces(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// Takes a word off the front, whatever its case.
    fn skip(&mut self, word: &str) -> bool {
        let Some((front, rest)) = self.0.split_at_checked(word.len()) else { return false };
        let is_front = front.eq_ignore_ascii_case(word);
        if is_front {
            self.0 = rest;
        }
        is_front
    }

    /// Takes the first of some words that is at the front, after spaces.
    fn skip_any(&mut self, words: &[&str]) -> bool {
        self.spaces();
        words.iter().any(|word| self.skip(word))
    }

    /// Takes the first of some words that is at the front, and returns what it stands for.
    fn pick<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<T> {
        words.iter().find(|(word, _)| self.skip(word)).map(|(_, value)| *value)
    }

    /// Takes digits off the front, at most so many.
    fn digits(&mut self, most: usize) -> Option<&'a str> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(length).filter(|_| (1..=most).contains(&length))?;
        self.0 = rest;
        Some(digits)
    }

    fn number<T: std::str::FromStr>(&mut self, most: usize) -> Option<T> {
        self.digits(most)?.parse().ok()
    }
}

/// A unit of time.
#[derive(Clone, Copy)]
enum Unit {
    Seconds(i64),
    Months(i64),
}

/// Longer words stand before those that they begin with.
const UNITS: &[(&str, Unit)] = &[
    ("秒钟", Unit::Seconds(1)),
    ("秒", Unit::Seconds(1)),
    ("分钟", Unit::Seconds(60)),
    ("分", Unit::Seconds(60)),
    ("小时", Unit::Seconds(3_600)),
    ("钟头", Unit::Seconds(3_600)),
    ("天", Unit::Seconds(86_400)),
    ("日", Unit::Seconds(86_400)),
    ("周", Unit::Seconds(7 * 86_400)),
    ("星期", Unit::Seconds(7 * 86_400)),
    ("礼拜", Unit::Seconds(7 * 86_400)),
    ("月", Unit::Months(1)),
    ("年", Unit::Months(12)),
    ("seconds", Unit::Seconds(1)),
    ("second", Unit::Seconds(1)),
    ("secs", Unit::Seconds(1)),
    ("sec", Unit::Seconds(1)),
    ("months", Unit::Months(1)),
    ("month", Unit::Months(1)),
    ("mos", Unit::Months(1)),
    ("mo", Unit::Months(1)),
    ("minutes", Unit::Seconds(60)),
    ("minute", Unit::Seconds(60)),
    ("mins", Unit::Seconds(60)),
    ("min", Unit::Seconds(60)),
    ("hours", Unit::Seconds(3_600)),
    ("hour", Unit::Seconds(3_600)),
    ("hrs", Unit::Seconds(3_600)),
    ("hr", Unit::Seconds(3_600)),
    ("days", Unit::Seconds(86_400)),
    ("day", Unit::Seconds(86_400)),
    ("weeks", Unit::Seconds(7 * 86_400)),
    ("week", Unit::Seconds(7 * 86_400)),
    ("wks", Unit::Seconds(7 * 86_400)),
    ("wk", Unit::Seconds(7 * 86_400)),
    ("years", Unit::Months(12)),
    ("year", Unit::Months(12)),
    ("yrs", Unit::Months(12)),
    ("yr", Unit::Months(12)),
    ("s", Unit::Seconds(1)),
    ("m", Unit::Seconds(60)),
    ("h", Unit::Seconds(3_600)),
    ("d", Unit::Seconds(86_400)),
    ("w", Unit::Seconds(7 * 86_400)),
    ("y", Unit::Months(12)),
];

/// Numbers in words, in halves.
const HALVES: &[(&str, i64)] = &[
    ("半", 1),
    ("一", 2),
    ("两", 4),
    ("二", 4),
    ("三", 6),
    ("四", 8),
    ("五", 10),
    ("六", 12),
    ("七", 14),
    ("八", 16),
    ("九", 18),
    ("十", 20),
    ("half an ", 1),
    ("an ", 2),
    ("a ", 2),
];

/// Reads `3分钟前`, `半小时前`, `1小时30分钟前`, `2个月前`, `1年前`, `刚刚`, `1 hrs ago`.
fn ago<'a>(text: &mut Text<'a>, now: Timestamp) -> Option<(Timestamp, &'a str)> {
    if text.skip_any(&["刚刚", "刚才", "just now", "now"]) {
        return Some((now, text.0));
    }
    let (mut months, mut seconds) = (0_i64, 0_i64);
    loop {
        let mut halves = match text.number::<i64>(12) {
            Some(number) => number.checked_mul(2)?,
            None => text.pick(HALVES)?,
        };
        text.skip_any(&["个"]);
        halves += i64::from(text.skip("半"));
        text.spaces();
        let unit = text.pick(UNITS)?;
        let times = |unit: i64| halves.checked_mul(unit);
        match unit {
            Unit::Seconds(unit) => seconds = seconds.checked_add(times(unit)? / 2)?,
            // Half a month is 15 days.
            Unit::Months(unit) => {
                let whole = times(unit)?;
                months = months.checked_add(whole / 2)?;
                seconds = seconds.checked_add(whole % 2 * 15 * 86_400)?;
            }
        }
        if text.skip_any(&["之前", "以前", "前", "ago"]) {
            break;
        }
    }
    let day = china().to_datetime(now).checked_sub(Span::new().try_months(months).ok()?).ok()?;
    let time = in_china(day)?.checked_sub(SignedDuration::from_secs(seconds)).ok()?;
    Some((time, text.0))
}

/// Reads `2024-02-22 16:05`, `2025年10月8日`, `12-02`, `今天 08:00`, `昨天23:10`.
fn calendar<'a>(text: &mut Text<'a>, now: Timestamp) -> Option<(Timestamp, &'a str)> {
    let today = china().to_datetime(now).date();
    let days = [
        ("今天", 0),
        ("今日", 0),
        ("昨天", 1),
        ("昨日", 1),
        ("大前天", 3),
        ("前天", 2),
        ("前日", 2),
        ("today", 0),
        ("yesterday", 1),
    ];
    let date = match text.pick(&days) {
        Some(back) => today.checked_sub(Span::new().days(back)).ok()?,
        None => date(text, today)?,
    };
    let mut behind = text.clone();
    if !behind.skip_any(&["T"]) {
        behind.spaces();
    }
    let Some((time, zone)) = clock_and_zone(&mut behind) else {
        return Some((in_china(date.to_datetime(Time::midnight()))?, text.0));
    };
    let at = date.to_datetime(time);
    let moment = match zone {
        Some(zone) => zone.to_timestamp(at).ok()?,
        None => in_china(at)?,
    };
    Some((moment, behind.0))
}

fn date(text: &mut Text<'_>, today: Date) -> Option<Date> {
    let first = text.digits(4)?;
    let between = ["年", "月", "-", "/", "."].into_iter().find(|mark| text.skip(mark))?;
    text.spaces();
    let second = text.number::<i16>(2)?;
    let is_third = if between == "年" { text.skip("月") } else { between != "月" && text.skip(between) };
    let third = is_third.then(|| {
        text.spaces();
        text.number::<i16>(2)
    });
    if matches!(between, "年" | "月") && !(text.skip("日") || text.skip("号")) {
        return None;
    }
    let first: i16 = first.parse().ok()?;
    let small = |number: i16| i8::try_from(number).ok();
    match third {
        Some(day) => Date::new(first, small(second)?, small(day?)?).ok(),
        None if between == "年" => None,
        // Without a year it is the last such day that is not in the future.
        None => (0..5)
            .filter_map(|back| Date::new(today.year() - back, small(first)?, small(second)?).ok())
            .find(|date| *date <= today),
    }
}

/// Reads `16:05`, `16:05:09.123`, `下午4:05`, `4:05 PM`, `16时5分`, each perhaps with a zone.
fn clock_and_zone(text: &mut Text<'_>) -> Option<(Time, Option<Offset>)> {
    let parts =
        [("凌晨", 0), ("早上", 0), ("早晨", 0), ("上午", 0), ("中午", 12), ("下午", 12), ("傍晚", 12), ("晚上", 12)];
    let part = text.pick(&parts);
    text.spaces();
    let mut hour = text.number::<i8>(2)?;
    if !["：", ":", "时", "點", "点"].iter().any(|mark| text.skip(mark)) {
        return None;
    }
    let minute = text.number::<i8>(2)?;
    let is_worded = text.skip("分");
    let (mut second, mut nanosecond) = (0, 0);
    let before = text.clone();
    if (is_worded || text.skip(":") || text.skip("："))
        && let Some(number) = text.number::<i8>(2)
    {
        second = number;
        if text.skip("秒") {
        } else if text.skip(".") || text.skip(",") {
            let digits = text.digits(18)?;
            nanosecond = format!("{digits:0<9}").get(..9)?.parse().ok()?;
        }
    } else {
        *text = before;
    }
    let mut behind = text.clone();
    behind.spaces();
    let half = part.or_else(|| behind.pick(&[("AM", 0), ("PM", 12)]).inspect(|_| text.0 = behind.0));
    match half {
        Some(12) if hour < 12 => hour += 12,
        Some(0) if hour == 12 => hour = 0,
        _ => {}
    }
    let time = Time::new(hour, minute, second, nanosecond).ok()?;
    let mut behind = text.clone();
    behind.spaces();
    let zone = zone(&mut behind);
    if zone.is_some() {
        text.0 = behind.0;
    }
    Some((time, zone))
}

/// Reads `Z`, `UTC`, `GMT`, `+08:00`, `+0800`, `GMT+8`.
fn zone(text: &mut Text<'_>) -> Option<Offset> {
    let is_named = ["UTC", "GMT", "Z"].iter().any(|name| text.skip(name));
    let sign = if text.skip("+") {
        1
    } else if text.skip("-") {
        -1
    } else {
        return is_named.then_some(Offset::UTC);
    };
    let hours = text.digits(4)?;
    let (hours, minutes) = match hours.len() {
        1 | 2 => (hours, if text.skip(":") { text.digits(2)? } else { "0" }),
        _ => hours.split_at_checked(hours.len() - 2)?,
    };
    let minutes = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?;
    Offset::from_seconds(sign * minutes * 60).ok()
}

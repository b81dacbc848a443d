//! Times as vendors write them: seconds, milliseconds, dates, and words like `1小时前`.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const NO_TIME: &str = "is no time";
/// Where the year 2100 begins, in seconds: no vendor's note is older than 1970 or younger than this.
const END: i64 = 4_102_444_800;

/// Reads a time; `Ok(None)` where the vendor told none (absent, null, empty, 0).
///
/// Numbers from 10¹¹ up are milliseconds. Text without a zone, and words that count back from now, are read in
/// China's time, with `now` as the moment of the answer.
///
/// # Errors
///
/// The reason, without the value, if it is something that is no time, or one outside the years 1970 to 2099.
pub fn read_time(value: Option<&Value>, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    let read = read_any_time(value, now)?;
    let is_ours = |time: Timestamp| time >= Timestamp::UNIX_EPOCH && time.as_second() < END;
    if read.is_none_or(is_ours) { Ok(read) } else { Err("is a time outside the years 1970 to 2099") }
}

fn read_any_time(value: Option<&Value>, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(number) => from_number(number),
            None => number.as_f64().filter(|f| f.abs() < 1e18).map_or(Err(NO_TIME), |f| from_number(f as i64)),
        },
        Some(Value::String(text)) => from_text(text.trim(), now),
        Some(_) => Err("is neither a number nor text"),
    }
}

fn from_number(number: i64) -> Result<Option<Timestamp>, &'static str> {
    let time = match number {
        ..=0 => return Ok(None),
        1..100_000_000_000 => Timestamp::from_second(number),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number),
        _ => Timestamp::from_microsecond(number),
    };
    time.map(Some).map_err(|_| NO_TIME)
}

fn from_text(text: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Some(time));
    }
    let text = ["编辑于", "发布于"].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text).trim();
    let time = ago(text, now).or_else(|| calendar(text, now)).ok_or(NO_TIME)?;
    Ok(Some(time))
}

/// Reads `3分钟前`, `1小时前`, `2天前`, `1周前`, `刚刚`, `1 hrs ago`.
fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "刚刚" {
        return Some(now);
    }
    let text = text.strip_suffix('前').or_else(|| text.strip_suffix("ago"))?.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let seconds = match unit.trim() {
        "秒" | "秒钟" | "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "分" | "分钟" | "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "小时" | "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "天" | "d" | "day" | "days" => 86_400,
        "周" | "星期" | "w" | "week" | "weeks" => 7 * 86_400,
        _ => return None,
    };
    let back = number.parse::<i64>().ok()?.checked_mul(seconds)?;
    now.checked_sub(SignedDuration::from_secs(back)).ok()
}

/// Reads `2024-02-22 16:05`, `2023-01-03`, `12-02`, `今天 08:00`, `昨天 23:10`.
fn calendar(text: &str, now: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::fixed(offset(8));
    let today = zone.to_datetime(now).date();
    let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let date = match day {
        "今天" => today,
        "昨天" => today.yesterday().ok()?,
        "前天" => today.yesterday().ok()?.yesterday().ok()?,
        _ => date(day, today)?,
    };
    let time = match clock.trim() {
        "" => Time::midnight(),
        clock => clock_time(clock)?,
    };
    DateTime::from_parts(date, time).to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

fn date(text: &str, today: Date) -> Option<Date> {
    let mut parts = [0_i16; 3];
    let mut count = 0;
    for part in text.split(['-', '/', '.']) {
        *parts.get_mut(count)? = part.parse().ok()?;
        count += 1;
    }
    let small = |number: i16| i8::try_from(number).ok();
    match (count, parts) {
        (3, [year, month, day]) => Date::new(year, small(month)?, small(day)?).ok(),
        // Without a year it is the last such day that is not in the future.
        (2, [month, day, _]) => (0..5)
            .filter_map(|back| Date::new(today.year() - back, small(month)?, small(day)?).ok())
            .find(|date| *date <= today),
        _ => None,
    }
}

fn clock_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    Time::new(hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-05T04:00:00Z".parse().unwrap()
    }

    #[test]
    fn times_are_read_in_every_spelling_seen() {
        let cases = [
            (json!(1_672_711_223), "2023-01-03T02:00:23Z"),
            (json!("1672711223"), "2023-01-03T02:00:23Z"),
            (json!(1_772_963_261_000_i64), "2026-03-08T09:47:41Z"),
            (json!(1_672_711_223.0), "2023-01-03T02:00:23Z"),
            (json!("2024-02-22 16:05"), "2024-02-22T08:05:00Z"),
            (json!("2024-02-22 16:05:09"), "2024-02-22T08:05:09Z"),
            (json!("2023-01-03"), "2023-01-02T16:00:00Z"),
            (json!("12-02"), "2025-12-01T16:00:00Z"),
            (json!("03-05"), "2026-03-04T16:00:00Z"),
            (json!("02-29"), "2024-02-28T16:00:00Z"),
            (json!("1小时前"), "2026-03-05T03:00:00Z"),
            (json!("3 分钟前"), "2026-03-05T03:57:00Z"),
            (json!("2天前"), "2026-03-03T04:00:00Z"),
            (json!("1 hrs ago"), "2026-03-05T03:00:00Z"),
            (json!("刚刚"), "2026-03-05T04:00:00Z"),
            (json!("昨天 08:30"), "2026-03-04T00:30:00Z"),
            (json!("编辑于 2024-02-22"), "2024-02-21T16:00:00Z"),
            (json!("2024-02-22T16:05:00Z"), "2024-02-22T16:05:00Z"),
        ];
        for (value, expected) in cases {
            let expected = expected.parse().unwrap();
            assert_eq!(read_time(Some(&value), now()), Ok(Some(expected)), "{value}");
        }
    }

    #[test]
    fn unset_is_not_a_time_and_nonsense_is_told() {
        for value in [json!(0), json!(null), json!(""), json!("0"), json!(-1)] {
            assert_eq!(read_time(Some(&value), now()), Ok(None), "{value}");
        }
        for value in [
            json!("soon"),
            json!([1]),
            json!("2024-13-01"),
            json!("1光年前"),
            json!("1:2:3"),
            json!("9999-12-31"),
            json!(4_102_444_800_i64),
            json!("-000001-01-01T00:00:00Z"),
            json!("9999周前"),
        ] {
            assert!(read_time(Some(&value), now()).is_err(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused(text in "\\PC{0,20}", number in any::<i64>()) {
            let _ = read_time(Some(&Value::String(text)), now());
            let _ = read_time(Some(&json!(number)), now());
        }
    }
}

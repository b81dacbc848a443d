//! Times as vendors write them: seconds, milliseconds, dates, and words like `1小时前`.

mod text;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::json::Scalar;

pub use self::text::place_after_time;

const NO_TIME: &str = "is no time";
/// Where the year 2100 begins, in seconds: no vendor's note is older than 1970 or younger than this.
const END: i64 = 4_102_444_800;

/// Reads a time; `Ok(None)` where the vendor told none (absent, null, empty, 0).
///
/// Numbers are seconds, from 10¹¹ up milliseconds, from 10¹⁴ up microseconds; eight digits that are a day, such as
/// `20251008`, are that day. Text without a zone, and words that count back from now, are read in China's time, with
/// `now` as the moment of the answer. A place after a time, as in `01-02 广东`, is passed over: [`place_after_time`].
///
/// # Errors
///
/// The reason, without the value, if it is something that is no time, or one outside the years 1970 to 2099.
pub fn read_time<'a>(value: Option<impl Into<Scalar<'a>>>, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    let read = read_any_time(value.map_or(Scalar::Null, Into::into), now)?;
    let is_ours = |time: Timestamp| time >= Timestamp::UNIX_EPOCH && time.as_second() < END;
    if read.is_none_or(is_ours) { Ok(read) } else { Err("is a time outside the years 1970 to 2099") }
}

fn read_any_time(value: Scalar<'_>, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    match value {
        Scalar::Null => Ok(None),
        Scalar::Number(number) => match number.as_i64() {
            Some(number) => from_number(number),
            None => number.as_f64().map_or(Err(NO_TIME), from_float),
        },
        Scalar::Text(text) => from_text(text.trim(), now),
        Scalar::Bool(_) | Scalar::Container => Err("is neither a number nor text"),
    }
}

fn from_number(number: i64) -> Result<Option<Timestamp>, &'static str> {
    if let Some(day) = compact_date(number) {
        return Ok(text::in_china(day.to_datetime(jiff::civil::Time::midnight())));
    }
    let time = match number {
        ..=0 => return Ok(None),
        1..100_000_000_000 => Timestamp::from_second(number),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number),
        _ => Timestamp::from_microsecond(number),
    };
    time.map(Some).map_err(|_| NO_TIME)
}

/// Reads eight digits that are a day of our years. As seconds they would lie in 1970.
fn compact_date(number: i64) -> Option<Date> {
    let part = |divisor: i64, modulus: i64| number / divisor % modulus;
    let is_ours = (19_700_101..=20_991_231).contains(&number);
    let (year, month, day) = (part(10_000, 10_000), part(100, 100), part(1, 100));
    is_ours.then(|| Date::new(year as i16, month as i8, day as i8).ok())?
}

/// Reads a number with a fraction, to the microsecond: beyond that a float of today's seconds holds nothing.
fn from_float(number: f64) -> Result<Option<Timestamp>, &'static str> {
    if !number.is_finite() || number.abs() >= 1e18 {
        return Err(NO_TIME);
    }
    if number.fract() == 0.0 {
        return from_number(number as i64);
    }
    let microseconds = match number {
        ..=0.0 => return Ok(None),
        ..1e11 => number * 1e6,
        ..1e14 => number * 1e3,
        _ => number,
    };
    Timestamp::from_microsecond(microseconds.round() as i64).map(Some).map_err(|_| NO_TIME)
}

fn from_text(text: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.bytes().filter(|byte| *byte == b'.').count() == 1
        && text.find('.').is_some_and(|point| point > 4)
        && let Ok(number) = text.parse::<f64>()
    {
        return from_float(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Some(time));
    }
    text::read(text, now).map(|(time, _)| Some(time)).ok_or(NO_TIME)
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
            // Numbers.
            (json!(20_251_008), "2025-10-07T16:00:00Z"),
            (json!("20251008"), "2025-10-07T16:00:00Z"),
            (json!(20_251_008.0), "2025-10-07T16:00:00Z"),
            (json!(20_251_308), "1970-08-23T09:21:48Z"),
            (json!(1_760_000_000.123), "2025-10-09T08:53:20.123Z"),
            (json!("1760000000.123"), "2025-10-09T08:53:20.123Z"),
            (json!("1760000000.000"), "2025-10-09T08:53:20Z"),
            (json!(1_760_000_000_123.5), "2025-10-09T08:53:20.1235Z"),
            (json!(1_760_000_000_123_456_i64), "2025-10-09T08:53:20.123456Z"),
            // Counted back.
            (json!("2个月前"), "2026-01-05T04:00:00Z"),
            (json!("13个月前"), "2025-02-05T04:00:00Z"),
            (json!("1年前"), "2025-03-05T04:00:00Z"),
            (json!("两年前"), "2024-03-05T04:00:00Z"),
            (json!("三天前"), "2026-03-02T04:00:00Z"),
            (json!("十分钟前"), "2026-03-05T03:50:00Z"),
            (json!("半小时前"), "2026-03-05T03:30:00Z"),
            (json!("半个小时前"), "2026-03-05T03:30:00Z"),
            (json!("1个半小时前"), "2026-03-05T02:30:00Z"),
            (json!("半天前"), "2026-03-04T16:00:00Z"),
            (json!("半年前"), "2025-09-05T04:00:00Z"),
            (json!("半个月前"), "2026-02-18T04:00:00Z"),
            (json!("1个小时前"), "2026-03-05T03:00:00Z"),
            (json!("1小时30分钟前"), "2026-03-05T02:30:00Z"),
            (json!("2周前"), "2026-02-19T04:00:00Z"),
            (json!("3个星期前"), "2026-02-12T04:00:00Z"),
            (json!("5 秒之前"), "2026-03-05T03:59:55Z"),
            (json!("3 days ago"), "2026-03-02T04:00:00Z"),
            (json!("an hour ago"), "2026-03-05T03:00:00Z"),
            (json!("A month ago"), "2026-02-05T04:00:00Z"),
            (json!("2 yrs ago"), "2024-03-05T04:00:00Z"),
            (json!("5d ago"), "2026-02-28T04:00:00Z"),
            (json!("2mo ago"), "2026-01-05T04:00:00Z"),
            (json!("刚才"), "2026-03-05T04:00:00Z"),
            (json!("Just now"), "2026-03-05T04:00:00Z"),
            // Days by name.
            (json!("昨天09:09"), "2026-03-04T01:09:00Z"),
            (json!("昨天"), "2026-03-03T16:00:00Z"),
            (json!("今天08:00"), "2026-03-05T00:00:00Z"),
            (json!("前天 23:10:05"), "2026-03-03T15:10:05Z"),
            (json!("昨日 09：09"), "2026-03-04T01:09:00Z"),
            (json!("昨天下午3:05"), "2026-03-04T07:05:00Z"),
            (json!("昨天 上午 9:05"), "2026-03-04T01:05:00Z"),
            (json!("昨天 3:05 PM"), "2026-03-04T07:05:00Z"),
            (json!("Yesterday 09:09"), "2026-03-04T01:09:00Z"),
            // Dates.
            (json!("2025年10月8日"), "2025-10-07T16:00:00Z"),
            (json!("2025年10月8日 09:09"), "2025-10-08T01:09:00Z"),
            (json!("2025年10月8日9时9分5秒"), "2025-10-08T01:09:05Z"),
            (json!("10月8日"), "2025-10-07T16:00:00Z"),
            (json!("3月5号"), "2026-03-04T16:00:00Z"),
            (json!("2025/10/8"), "2025-10-07T16:00:00Z"),
            (json!("2025.10.08 9:09"), "2025-10-08T01:09:00Z"),
            (json!("01-02 12:30"), "2026-01-02T04:30:00Z"),
            (json!("2025-10-08 09:09:00.123"), "2025-10-08T01:09:00.123Z"),
            (json!("2025-10-08 09:09:00,123"), "2025-10-08T01:09:00.123Z"),
            (json!("2025-10-08T09:09:00.123456789"), "2025-10-08T01:09:00.123456789Z"),
            (json!("2025-10-08 09:09:00+00:00"), "2025-10-08T09:09:00Z"),
            (json!("2025-10-08 09:09:00 +0900"), "2025-10-08T00:09:00Z"),
            (json!("2025-10-08 09:09:00 UTC"), "2025-10-08T09:09:00Z"),
            (json!("2025-10-08 09:09:00Z"), "2025-10-08T09:09:00Z"),
            // Words before.
            (json!("最后编辑于 01-02"), "2026-01-01T16:00:00Z"),
            (json!("编辑于昨天 12:30"), "2026-03-04T04:30:00Z"),
            (json!("发布时间：2025-10-08"), "2025-10-07T16:00:00Z"),
            (json!("Edited on 2025-10-08"), "2025-10-07T16:00:00Z"),
            // A place behind.
            (json!("01-02 广东"), "2026-01-01T16:00:00Z"),
            (json!("01-02广东"), "2026-01-01T16:00:00Z"),
            (json!("编辑于 2025-10-08 广东"), "2025-10-07T16:00:00Z"),
            (json!("昨天 12:30 上海"), "2026-03-04T04:30:00Z"),
            (json!("3天前 北京"), "2026-03-02T04:00:00Z"),
            (json!("3天前 · 北京"), "2026-03-02T04:00:00Z"),
            (json!("刚刚 IP属地：广东"), "2026-03-05T04:00:00Z"),
            (json!("2 days ago United States"), "2026-03-03T04:00:00Z"),
            (json!("2025-10-08 09:09 上海"), "2025-10-08T01:09:00Z"),
            (json!("2025-10-08T09:09:00Z 美国"), "2025-10-08T09:09:00Z"),
            (json!("2025年10月8日 内蒙古"), "2025-10-07T16:00:00Z"),
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
            json!("999999999999个月前"),
            json!("2025-10-08 25:99"),
            json!("2025-10-08 09:61"),
            json!("01-02 3"),
            json!("01-02 2024 广东"),
            json!("昨天 12:30 第2页"),
            json!("广东"),
            json!("前"),
            json!("个月前"),
            json!("半"),
            json!("1.2.3.4"),
            json!("NaN"),
            json!("1e9"),
            json!(1e300),
            json!("2025年"),
            json!("10:30"),
            json!("2025-10-08 09:09:00 +99:99"),
        ] {
            assert!(read_time(Some(&value), now()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_place_after_a_time_is_found() {
        let cases = [
            ("01-02 广东", Some("广东")),
            ("编辑于 2025-10-08 广东", Some("广东")),
            ("昨天 12:30 上海", Some("上海")),
            ("3天前 · 北京", Some("北京")),
            ("刚刚 IP属地：中国香港", Some("中国香港")),
            ("昨天09:09 来自 内蒙古", Some("内蒙古")),
            ("01-02", None),
            ("01-02 已编辑", None),
            ("2 days ago United States", None),
            ("01-02 广东 已编辑", None),
            ("1772963261", None),
            ("广东", None),
        ];
        for (text, place) in cases {
            assert_eq!(place_after_time(text), place, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused(text in "\\PC{0,20}", number in any::<i64>()) {
            let _ = read_time(Some(&serde_json::Value::String(text)), now());
            let _ = read_time(Some(&json!(number)), now());
        }
    }
}

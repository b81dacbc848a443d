//! Time zones by their IANA names.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time zone: says which date a moment has.
///
/// The rules come from the database that is compiled in, never from the system: they are the same on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Says that no time zone has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an IANA time zone", super::shown(.0, 80))]
pub struct UnknownZone(String);

impl Zone {
    /// Universal time, without summer time.
    pub const UTC: Self = Self(TimeZone::UTC);
    /// The default: Beijing time, in which the platform and its users count.
    pub const DEFAULT_NAME: &'static str = "Asia/Shanghai";

    /// Returns the IANA name, as the database spells it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Returns the date of a moment in this zone.
    pub fn date(&self, time: Timestamp) -> Date {
        self.0.to_datetime(time).date()
    }

    /// Lists the names of all zones.
    pub fn names() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
    }
}

impl Default for Zone {
    fn default() -> Self {
        // The name is in the database: a test looks it up.
        Self::DEFAULT_NAME.parse().unwrap_or(Self::UTC)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    /// Reads an IANA name, in any case.
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownZone(name.to_owned()))?;
        // `Etc/Unknown` stands for a zone that a system could not find out.
        if zone.is_unknown() || zone.iana_name().is_none() {
            return Err(UnknownZone(name.to_owned()));
        }
        Ok(Self(zone))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_database_is_a_zone_and_comes_back() {
        let names = Zone::names();
        assert!(names.len() > 400, "{}", names.len());
        for name in names.iter().filter(|name| *name != "Etc/Unknown") {
            let zone: Zone = name.parse().unwrap();
            assert_eq!(zone.name(), name);
            assert_eq!(serde_json::from_str::<Zone>(&serde_json::to_string(&zone).unwrap()).unwrap(), zone);
        }
        assert_eq!(Zone::default().name(), Zone::DEFAULT_NAME);
        assert_eq!("asia/shanghai".parse::<Zone>().unwrap(), Zone::default());
        assert_eq!("utc".parse::<Zone>().unwrap(), Zone::UTC);
    }

    #[test]
    fn what_names_no_zone_is_refused() {
        for name in
            ["", " ", "Asia/Beijing", "+08:00", "UTC+8", "CST-8", "Etc/Unknown", "../etc/passwd", "Asia/Shanghai "]
        {
            assert!(name.parse::<Zone>().is_err(), "{name}");
        }
    }

    #[test]
    fn dates_follow_the_zone_and_its_summer_time() {
        for (zone, time, date) in [
            ("UTC", "2026-02-28T16:00:00Z", "2026-02-28"),
            ("Asia/Shanghai", "2026-02-28T15:59:59Z", "2026-02-28"),
            ("Asia/Shanghai", "2026-02-28T16:00:00Z", "2026-03-01"),
            // Clocks were an hour ahead in the summers of 1986 to 1991.
            ("Asia/Shanghai", "1988-07-31T15:00:00Z", "1988-08-01"),
            // The night of the change to summer time, and the summer after it.
            ("America/New_York", "2026-03-08T04:59:59Z", "2026-03-07"),
            ("America/New_York", "2026-03-08T05:00:00Z", "2026-03-08"),
            ("America/New_York", "2026-03-09T03:59:59Z", "2026-03-08"),
            ("America/New_York", "2026-03-09T04:00:00Z", "2026-03-09"),
            // Back to winter time: a day of 25 hours.
            ("America/New_York", "2026-11-01T04:00:00Z", "2026-11-01"),
            ("America/New_York", "2026-11-02T04:59:59Z", "2026-11-01"),
            ("America/New_York", "2026-11-02T05:00:00Z", "2026-11-02"),
            // Rules hold beyond the years that the database lists.
            ("Europe/Berlin", "2090-07-01T22:00:00Z", "2090-07-02"),
            ("Europe/Berlin", "2090-01-01T22:00:00Z", "2090-01-01"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!(zone.date(time.parse().unwrap()).to_string(), date, "{time} in {zone}");
        }
        for time in [Timestamp::MIN, Timestamp::MAX] {
            for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Shanghai"] {
                name.parse::<Zone>().unwrap().date(time);
            }
        }
    }
}

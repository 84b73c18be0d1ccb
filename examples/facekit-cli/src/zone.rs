//! The time zone of frames and sheet.

use std::{env, path::Path};

use anyhow::{Context, Result, bail};
use jiff::{Timestamp, fmt::temporal::DateTimeParser, tz::TimeZone};

/// A time zone, and the name under which it is reported.
#[derive(Debug)]
pub(crate) struct NamedZone {
    pub(crate) zone: TimeZone,
    pub(crate) name: String,
}

/// The zone of this name, such as `Africa/Nairobi`, `+03:00` or `EAT-3`; without a name that of the system.
pub(crate) fn open_zone(name: Option<&str>) -> Result<NamedZone> {
    let Some(name) = name else {
        if let Some(set) = env::var_os("TZ") {
            check_tz(&set.to_string_lossy())?;
        }
        let zone = TimeZone::system();
        let name = zone.iana_name().unwrap_or("the system's").to_owned();
        return Ok(NamedZone { zone, name });
    };
    static PARSER: DateTimeParser = DateTimeParser::new();
    let zone = PARSER.parse_time_zone(name).with_context(|| {
        if name.starts_with(['+', '-']) {
            format!("time zone {name:?}: not an offset; write it like +03:00 or -0330")
        } else {
            format!("time zone {name:?}: no such time zone")
        }
    })?;
    Ok(NamedZone {
        zone,
        name: name.to_owned(),
    })
}

/// A time in a zone, with its offset.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}

/// An error if `TZ` names no time zone. The system's zone would then be UTC without a warning.
fn check_tz(set: &str) -> Result<()> {
    let name = set.strip_prefix(':').unwrap_or(set);
    let known = name.is_empty()
        || Path::new(name).is_absolute()
        || TimeZone::get(name).is_ok()
        || TimeZone::posix(name).is_ok();
    if !known {
        bail!("TZ={set}: no such time zone; --zone names one, such as Africa/Nairobi or +03:00");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn offsets() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        for (offset, seconds) in [
            ("+02:00", 7200),
            ("-0330", -12_600),
            ("+02", 7200),
            ("+00:00", 0),
            ("+02:00:30", 7230),
        ] {
            let zone = open_zone(Some(offset)).unwrap();
            assert_eq!(zone.zone.to_offset(noon).seconds(), seconds, "{offset}");
            assert_eq!(zone.name, offset);
        }
        for wrong in ["+", "+2", "+2:", "+02:60", "+99", "++2", "+é2a"] {
            let error = open_zone(Some(wrong)).unwrap_err().to_string();
            let expected =
                format!("time zone {wrong:?}: not an offset; write it like +03:00 or -0330");
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn the_variable_tz() {
        assert!(check_tz("Atlantis").is_err() && check_tz("").is_ok());
        assert!(check_tz(":Africa/Nairobi").is_ok() && check_tz("EAT-3").is_ok());
    }

    #[test]
    fn names() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        for name in ["Africa/Nairobi", "EAT-3"] {
            let zone = open_zone(Some(name)).unwrap().zone;
            assert_eq!(zone.to_offset(noon).seconds(), 3 * 3600, "{name}");
        }
        let error = open_zone(Some("Atlantis/Centre")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "time zone \"Atlantis/Centre\": no such time zone"
        );
    }
}

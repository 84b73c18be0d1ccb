//! Suggestions for names of time zones that the IANA database does not have. A suggestion always means the same.

/// The zones of Windows, as the CLDR maps them to zones of the IANA database (`windowsZones.xml`, territory 001).
const WINDOWS: [(&str, &str); 137] = [
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Aleutian Standard Time", "America/Adak"),
    ("Altai Standard Time", "Asia/Barnaul"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("Astrakhan Standard Time", "Europe/Astrakhan"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("Aus Central W. Standard Time", "Australia/Eucla"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Azerbaijan Standard Time", "Asia/Baku"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Bahia Standard Time", "America/Bahia"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("Bougainville Standard Time", "Pacific/Bougainville"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("Caucasus Standard Time", "Asia/Yerevan"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Asia Standard Time", "Asia/Bishkek"),
    ("Central Brazilian Standard Time", "America/Cuiaba"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Chatham Islands Standard Time", "Pacific/Chatham"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Cuba Standard Time", "America/Havana"),
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Easter Island Standard Time", "Pacific/Easter"),
    ("Eastern Standard Time", "America/New_York"),
    ("Eastern Standard Time (Mexico)", "America/Cancun"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("Ekaterinburg Standard Time", "Asia/Yekaterinburg"),
    ("Fiji Standard Time", "Pacific/Fiji"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenland Standard Time", "America/Godthab"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Haiti Standard Time", "America/Port-au-Prince"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Jordan Standard Time", "Asia/Amman"),
    ("Kaliningrad Standard Time", "Europe/Kaliningrad"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Libya Standard Time", "Africa/Tripoli"),
    ("Line Islands Standard Time", "Pacific/Kiritimati"),
    ("Lord Howe Standard Time", "Australia/Lord_Howe"),
    ("Magadan Standard Time", "Asia/Magadan"),
    ("Magallanes Standard Time", "America/Punta_Arenas"),
    ("Marquesas Standard Time", "Pacific/Marquesas"),
    ("Mauritius Standard Time", "Indian/Mauritius"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Montevideo Standard Time", "America/Montevideo"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Mountain Standard Time", "America/Denver"),
    ("Mountain Standard Time (Mexico)", "America/Mazatlan"),
    ("Myanmar Standard Time", "Asia/Yangon"),
    ("N. Central Asia Standard Time", "Asia/Novosibirsk"),
    ("Namibia Standard Time", "Africa/Windhoek"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Norfolk Standard Time", "Pacific/Norfolk"),
    ("North Asia East Standard Time", "Asia/Irkutsk"),
    ("North Asia Standard Time", "Asia/Krasnoyarsk"),
    ("North Korea Standard Time", "Asia/Pyongyang"),
    ("Omsk Standard Time", "Asia/Omsk"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Paraguay Standard Time", "America/Asuncion"),
    ("Qyzylorda Standard Time", "Asia/Qyzylorda"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russia Time Zone 10", "Asia/Srednekolymsk"),
    ("Russia Time Zone 11", "Asia/Kamchatka"),
    ("Russia Time Zone 3", "Europe/Samara"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Saint Pierre Standard Time", "America/Miquelon"),
    ("Sakhalin Standard Time", "Asia/Sakhalin"),
    ("Samoa Standard Time", "Pacific/Apia"),
    ("Sao Tome Standard Time", "Africa/Sao_Tome"),
    ("Saratov Standard Time", "Europe/Saratov"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("South Sudan Standard Time", "Africa/Juba"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Sudan Standard Time", "Africa/Khartoum"),
    ("Syria Standard Time", "Asia/Damascus"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("Tocantins Standard Time", "America/Araguaina"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Tomsk Standard Time", "Asia/Tomsk"),
    ("Tonga Standard Time", "Pacific/Tongatapu"),
    ("Transbaikal Standard Time", "Asia/Chita"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Turks And Caicos Standard Time", "America/Grand_Turk"),
    ("Ulaanbaatar Standard Time", "Asia/Ulaanbaatar"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("UTC-02", "Etc/GMT+2"),
    ("UTC-08", "Etc/GMT+8"),
    ("UTC-09", "Etc/GMT+9"),
    ("UTC-11", "Etc/GMT+11"),
    ("UTC+12", "Etc/GMT-12"),
    ("UTC+13", "Etc/GMT-13"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Vladivostok Standard Time", "Asia/Vladivostok"),
    ("Volgograd Standard Time", "Europe/Volgograd"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("W. Mongolia Standard Time", "Asia/Hovd"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("West Bank Standard Time", "Asia/Hebron"),
    ("West Pacific Standard Time", "Pacific/Port_Moresby"),
    ("Yakutsk Standard Time", "Asia/Yakutsk"),
];

/// Abbreviations with all their usual meanings.
const ABBREVIATIONS: [(&str, &[&str]); 35] = [
    ("ACST", &["Australia/Adelaide", "Australia/Darwin"]),
    ("AEST", &["Australia/Sydney", "Australia/Brisbane"]),
    ("AKST", &["America/Anchorage"]),
    ("ART", &["America/Buenos_Aires"]),
    ("AST", &["America/Halifax", "Asia/Riyadh"]),
    ("AWST", &["Australia/Perth"]),
    ("BRT", &["America/Sao_Paulo"]),
    ("BST", &["Europe/London", "Asia/Dhaka"]),
    ("CAT", &["Africa/Maputo"]),
    ("CDT", &["America/Chicago"]),
    ("CEST", &["Europe/Berlin"]),
    ("CET", &["Europe/Berlin"]),
    (
        "CST",
        &["America/Chicago", "Asia/Shanghai", "America/Havana"],
    ),
    ("EAT", &["Africa/Nairobi"]),
    ("EDT", &["America/New_York"]),
    ("EEST", &["Europe/Helsinki"]),
    ("EST", &["America/New_York"]),
    ("GST", &["Asia/Dubai"]),
    ("HKT", &["Asia/Hong_Kong"]),
    ("IST", &["Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"]),
    ("JST", &["Asia/Tokyo"]),
    ("KST", &["Asia/Seoul"]),
    ("MDT", &["America/Denver"]),
    ("MSK", &["Europe/Moscow"]),
    ("NPT", &["Asia/Kathmandu"]),
    ("NZST", &["Pacific/Auckland"]),
    ("PDT", &["America/Los_Angeles"]),
    ("PHT", &["Asia/Manila"]),
    ("PKT", &["Asia/Karachi"]),
    ("PST", &["America/Los_Angeles", "Asia/Manila"]),
    ("SAST", &["Africa/Johannesburg"]),
    ("SGT", &["Asia/Singapore"]),
    ("WAT", &["Africa/Lagos"]),
    ("WIB", &["Asia/Jakarta"]),
    ("WEST", &["Europe/Lisbon"]),
];

/// Cities that have no zone of their own, with the zone that is used there.
const CITIES: [(&str, &str); 36] = [
    ("Abuja", "Africa/Lagos"),
    ("Ankara", "Europe/Istanbul"),
    ("Atlanta", "America/New_York"),
    ("Bangalore", "Asia/Kolkata"),
    ("Barcelona", "Europe/Madrid"),
    ("Beijing", "Asia/Shanghai"),
    ("Bengaluru", "Asia/Kolkata"),
    ("Boston", "America/New_York"),
    ("Brasilia", "America/Sao_Paulo"),
    ("Canberra", "Australia/Sydney"),
    ("Cape_Town", "Africa/Johannesburg"),
    ("Chennai", "Asia/Kolkata"),
    ("Cologne", "Europe/Berlin"),
    ("Dallas", "America/Chicago"),
    ("Delhi", "Asia/Kolkata"),
    ("Frankfurt", "Europe/Berlin"),
    ("Geneva", "Europe/Zurich"),
    ("Hamburg", "Europe/Berlin"),
    ("Houston", "America/Chicago"),
    ("Islamabad", "Asia/Karachi"),
    ("Lahore", "Asia/Karachi"),
    ("Lyon", "Europe/Paris"),
    ("Miami", "America/New_York"),
    ("Milan", "Europe/Rome"),
    ("Montreal", "America/Toronto"),
    ("Mumbai", "Asia/Kolkata"),
    ("Munich", "Europe/Berlin"),
    ("New_Delhi", "Asia/Kolkata"),
    ("Osaka", "Asia/Tokyo"),
    ("Ottawa", "America/Toronto"),
    ("Rio_de_Janeiro", "America/Sao_Paulo"),
    ("San_Francisco", "America/Los_Angeles"),
    ("Seattle", "America/Los_Angeles"),
    ("Shenzhen", "Asia/Shanghai"),
    ("St_Petersburg", "Europe/Moscow"),
    ("Washington", "America/New_York"),
];

/// Zones with an offset that is no whole hour and that does not change during the year. In minutes east of Greenwich.
const PARTS_OF_HOURS: [(i32, &str); 9] = [
    (-570, "Pacific/Marquesas"),
    (210, "Asia/Tehran"),
    (270, "Asia/Kabul"),
    (330, "Asia/Kolkata"),
    (345, "Asia/Kathmandu"),
    (390, "Asia/Yangon"),
    (525, "Australia/Eucla"),
    (570, "Australia/Darwin"),
    (0, "UTC"),
];

/// Suggests a zone in place of `name`, which is no zone of the IANA database. `names` are the zones of the database.
pub(crate) fn hint(name: &str, names: &[String]) -> Option<String> {
    let name = name.trim();
    let meant = |zone: &str| format!("did you mean {zone:?}?");
    if let Some((_, zone)) = WINDOWS.iter().find(|it| it.0.eq_ignore_ascii_case(name)) {
        return Some(meant(zone));
    }
    if let Some(minutes) = fixed_offset(name) {
        return hint_of_offset(minutes);
    }
    let abbreviation = |it: &&(&str, &[&str])| it.0.eq_ignore_ascii_case(name);
    if let Some((_, zones)) = ABBREVIATIONS.iter().find(abbreviation) {
        let quoted: Vec<String> = zones.iter().map(|zone| format!("{zone:?}")).collect();
        return Some(match &quoted[..] {
            [first @ .., last] if !first.is_empty() => {
                format!("it can mean {} or {last}", first.join(", "))
            }
            _ => format!("did you mean {}?", quoted.join("")),
        });
    }
    same_place(name, names)
        .or_else(|| misspelled(name, names))
        .map(meant)
}

/// The part of a zone's name after the last slash.
fn city(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The zone of the database for a place that is spelled correctly.
fn same_place<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let wanted = name.replace(' ', "_");
    let names = || names.iter().map(String::as_str);
    names()
        .find(|name| name.eq_ignore_ascii_case(&wanted))
        .or_else(|| names().find(|name| city(name).eq_ignore_ascii_case(&wanted)))
        .or_else(|| {
            let wanted = city(&wanted);
            let (_, zone) = CITIES.iter().find(|it| it.0.eq_ignore_ascii_case(wanted))?;
            names().find(|name| name == zone)
        })
}

/// The only zone from which `name` differs by a typing error. Names of offsets and abbreviations are never taken for one
/// another: one letter changes their meaning.
fn misspelled<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let wanted = name.replace(' ', "_").to_ascii_lowercase();
    let is_place = |name: &&str| name.contains('/') && !name.starts_with("Etc/");
    let places = || names.iter().map(String::as_str).filter(is_place);
    let whole = wanted.contains('/');
    let typed = if whole { &wanted[..] } else { city(&wanted) };
    if city(typed).len() < 5 || typed.starts_with("etc/") {
        return None;
    }
    // The distance of each place; a short name allows one error.
    let most = if city(typed).len() < 8 { 1 } else { 2 };
    let distance = |place: &str| {
        let known = if whole { place } else { city(place) };
        strsim::damerau_levenshtein(typed, &known.to_ascii_lowercase())
    };
    let close = places().map(|place| (distance(place), place));
    let close: Vec<_> = close.filter(|it| it.0 <= most).collect();
    let least = close.iter().map(|it| it.0).min()?;
    let mut best = close.iter().filter(|it| it.0 == least);
    let (_, first) = best.next()?;
    // Several zones of one city, such as `America/Indianapolis` and `America/Indiana/Indianapolis`, mean the same.
    best.all(|(_, other)| city(other) == city(first))
        .then_some(*first)
}

/// The minutes east of Greenwich of a fixed offset, as in `UTC+3`, `GMT-03:30`, `+0530` or `(UTC+08:00) Beijing`.
fn fixed_offset(name: &str) -> Option<i32> {
    let text = name.strip_prefix('(').map_or(name, |rest| {
        rest.split_once(')').map_or(rest, |(offset, _)| offset)
    });
    let text = text.replace('\u{2212}', "-").replace(' ', "");
    let upper = text.to_ascii_uppercase();
    if matches!(&upper[..], "Z" | "UTC" | "GMT") {
        return Some(0);
    }
    let offset = upper
        .strip_prefix("UTC")
        .or_else(|| upper.strip_prefix("GMT"));
    let offset = offset.unwrap_or(&upper);
    let sign = match offset.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = &offset[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let number = |text: &str| -> Option<i32> {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        text.parse().ok().filter(|_| plain)
    };
    Some(sign * (number(hours)? * 60 + number(minutes)?))
}

/// Suggests a zone for an offset in minutes east of Greenwich. `None` if no place has it.
fn hint_of_offset(minutes: i32) -> Option<String> {
    if let Some((_, zone)) = PARTS_OF_HOURS.iter().find(|it| it.0 == minutes) {
        return Some(if minutes == 0 {
            format!("did you mean {zone:?}?")
        } else {
            format!("a place with this offset is {zone:?}")
        });
    }
    let hours = minutes / 60;
    if minutes % 60 != 0 || !(-12..=14).contains(&hours) {
        return None;
    }
    // The names of POSIX count hours west of Greenwich.
    let zone = format!("Etc/GMT{:+}", -hours);
    Some(format!(
        "for a fixed offset of {hours:+03}:00 from UTC write {zone:?} (the sign in such a name is reversed), or name a place, as \
         in \"Europe/Berlin\", so that changes of the clock count"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    #[test]
    fn every_suggested_zone_exists() {
        let windows = WINDOWS.iter().map(|it| it.1);
        let cities = CITIES.iter().map(|it| it.1);
        let parts = PARTS_OF_HOURS.iter().map(|it| it.1);
        let abbreviations = ABBREVIATIONS.iter().flat_map(|it| it.1.iter().copied());
        for zone in windows.chain(cities).chain(parts).chain(abbreviations) {
            assert!(Zone::new(zone).is_ok(), "{zone}");
        }
    }

    #[test]
    fn the_offset_of_a_windows_name_is_that_of_its_zone() {
        for (name, zone) in WINDOWS {
            if let Some(minutes) = fixed_offset(name) {
                let offset = Zone::new(zone).unwrap().offset(Default::default());
                assert_eq!(offset, i64::from(minutes) * 60, "{name}");
            }
        }
    }
}

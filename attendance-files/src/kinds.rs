//! The words and codes for the kind of a punch.

use std::collections::{BTreeMap, BTreeSet};

use attendance_rules::PunchKind;

use crate::error::{Error, Result};

/// Words that mean that the person comes, in lower case and without signs and spaces. The end of a break is one, too. The
/// codes are those of ZKTeco: check in, end of a break, start of overtime.
const IN: &[&str] = &[
    "0",
    "3",
    "4",
    "arrival",
    "bin",
    "breakend",
    "breakin",
    "checkin",
    "cin",
    "clockin",
    "endbreak",
    "entrada",
    "entry",
    "i",
    "in",
    "kommen",
    "login",
    "oin",
    "otin",
    "outback",
    "overtimein",
    "punchin",
    "signin",
];

/// Words that mean that the person goes. The start of a break is one, too.
const OUT: &[&str] = &[
    "1",
    "2",
    "5",
    "bout",
    "breakout",
    "breakstart",
    "checkout",
    "clockout",
    "cout",
    "departure",
    "exit",
    "gehen",
    "logout",
    "o",
    "oout",
    "otout",
    "out",
    "overtimeout",
    "punchout",
    "salida",
    "signout",
    "startbreak",
];

/// Words for punches that state no direction.
const UNDETERMINED: &[&str] = &[
    "",
    "255",
    "auto",
    "none",
    "undetermined",
    "undefined",
    "unknown",
];

fn plain(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The kind that a text states. `stated` precedes the common words.
pub(crate) fn kind(text: &str, stated: &BTreeMap<String, PunchKind>) -> Result<PunchKind, String> {
    let word = plain(text);
    let own = stated
        .iter()
        .find(|(own, _)| own.trim() == text || plain(own) == word);
    if let Some((_, &kind)) = own {
        return Ok(kind);
    }
    let word = word.as_str();
    if IN.contains(&word) {
        Ok(PunchKind::In)
    } else if OUT.contains(&word) {
        Ok(PunchKind::Out)
    } else if UNDETERMINED.contains(&word) {
        Ok(PunchKind::Undetermined)
    } else {
        Err(format!(
            "kind: {text:?} is not known; it is in, out, undetermined or a code of the device, or state its meaning: {text}=in"
        ))
    }
}

/// Checks that the codes of a column are those of ZKTeco. Other devices write 1 for IN and 2 for OUT.
pub(crate) fn check_codes<'a>(
    texts: impl Iterator<Item = &'a str>,
    stated: &BTreeMap<String, PunchKind>,
) -> Result<()> {
    let known = |text: &str| stated.keys().any(|own| plain(own) == plain(text));
    let texts: BTreeSet<&str> = texts.filter(|text| !known(text)).collect();
    let has = |code: &str| texts.contains(code);
    let has_in = texts.iter().any(|text| IN.contains(&plain(text).as_str()));
    if has("1") && has("2") && !has_in {
        return Err(Error::Kinds {
            reason: "the column has the codes 1 and 2, and no code for IN; state their meaning: 1=in,2=out".to_owned(),
        });
    }
    Ok(())
}

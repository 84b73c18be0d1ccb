//! Checks of texts that people write.

use crate::error::{Error, Result};

/// A text without white space around it, if it has 1 to `longest` characters and no control characters.
///
/// # Errors
///
/// 422 with the pointer.
pub fn checked(pointer: &str, text: &str, longest: usize) -> Result<String> {
    let text = text.trim();
    let field = pointer.trim_start_matches('/');
    if text.is_empty() {
        return Err(Error::invalid(
            pointer,
            "empty",
            format!("{field} is empty."),
        ));
    }
    let length = text.chars().count();
    if length > longest {
        let detail = format!("{field} has {length} characters; at most {longest} are possible.");
        return Err(Error::invalid(pointer, "too_long", detail));
    }
    if text
        .chars()
        .any(|character| character.is_control() || is_direction(character))
    {
        let detail = format!("{field} has a control character.");
        return Err(Error::invalid(pointer, "control_character", detail));
    }
    Ok(text.to_owned())
}

/// [`checked`] for a text that can be missing; an empty one is missing.
///
/// # Errors
///
/// As [`checked`].
pub fn checked_optional(
    pointer: &str,
    text: Option<&str>,
    longest: usize,
) -> Result<Option<String>> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => checked(pointer, text, longest).map(Some),
        None => Ok(None),
    }
}

/// A mail address: something, an `@`, and something with a dot or `localhost`; no spaces.
///
/// # Errors
///
/// 422 with the pointer.
pub fn checked_mail(pointer: &str, mail: &str) -> Result<String> {
    let mail = checked(pointer, mail, 254)?;
    let parts = mail.rsplit_once('@');
    let sound = parts.is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.starts_with('.') && !host.ends_with('.')
    });
    if sound && !mail.contains(char::is_whitespace) && mail.matches('@').count() == 1 {
        Ok(mail)
    } else {
        Err(Error::invalid(
            pointer,
            "mail_form",
            format!("{mail:?} is not a mail address."),
        ))
    }
}

/// Characters that change the direction of the text after them, and so what a reader sees.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text as a part of an address: its bytes in percent form, but for letters, digits and `-_.~`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_are_texts() {
        for name in [
            "Anna",
            "محمد",
            "李小龍",
            "Zoë O’Brien-Łukasz",
            "<b>Bobby</b>",
            "👩🏽‍🚀",
        ] {
            assert_eq!(checked("/name", &format!(" {name} "), 20).unwrap(), name);
        }
    }

    #[test]
    fn empty_long_and_deceiving_texts_are_refused() {
        let code = |text: &str| checked("/name", text, 5).unwrap_err().code;
        assert_eq!(code("  "), "empty");
        assert_eq!(code("123456"), "too_long");
        assert_eq!(code("a\0"), "control_character");
        assert_eq!(code("a\u{202e}b"), "control_character");
    }

    #[test]
    fn mail_addresses_have_a_form() {
        assert!(checked_mail("/mail", "anna@example.org").is_ok());
        for mail in [
            "anna",
            "@example.org",
            "anna@",
            "a b@c.d",
            "a@b@c.d",
            "a@.d",
        ] {
            assert!(checked_mail("/mail", mail).is_err(), "{mail}");
        }
    }
}

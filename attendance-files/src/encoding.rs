//! The text of a file, from its bytes.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::error::{Error, Result, Warning};

/// Decodes a text file: UTF-8 or UTF-16 with or without a byte order mark, or else Windows-1252, which contains Latin-1.
pub(crate) fn decode<'a>(bytes: &'a [u8], warnings: &mut Vec<Warning>) -> Result<Cow<'a, str>> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (guessed(bytes), bytes),
    };
    if encoding == WINDOWS_1252 {
        warnings.push(Warning::AssumedWindows1252);
    }
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or_else(|| {
        Error::format(format_args!(
            "the file says that it is {}, and is not; save it as UTF-8",
            encoding.name()
        ))
    })?;
    // Some old systems end a file with Ctrl-Z.
    let control = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\r' | '\n' | '\x0c');
    if let Some(control) = text.trim_end_matches('\x1a').chars().find(|&c| control(c)) {
        return Err(Error::format(format_args!(
            "this is not a text file (it has the control character {control:?}), and not an .xlsx file"
        )));
    }
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches('\x1a')),
        Cow::Owned(text) => Cow::Owned(text.trim_end_matches('\x1a').to_owned()),
    })
}

/// The encoding of bytes without a byte order mark.
fn guessed(bytes: &[u8]) -> &'static Encoding {
    // In UTF-16 every second byte of digits and separators is 0.
    let zeros = |first: usize| {
        let bytes = bytes.iter().skip(first).step_by(2);
        bytes.filter(|&&byte| byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if even.max(odd) * 4 > bytes.len() {
        return if odd > even { UTF_16LE } else { UTF_16BE };
    }
    if std::str::from_utf8(bytes).is_ok() {
        UTF_8
    } else {
        WINDOWS_1252
    }
}

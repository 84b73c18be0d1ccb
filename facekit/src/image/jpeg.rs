//! Whether a JPEG is all there.
//!
//! The decoder fills what is missing with grey and reports success, as browsers like it. A face toolkit
//! must not take half a photo for a photo, so the file is walked before it is decoded.

/// Whether the file's segments and scans go on to its end marker.
///
/// What follows the first end marker (a second picture, a vendor's trailer) is not looked at.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2; // after the start marker
    while let Some((marker, next)) = marker(bytes, at) {
        at = next;
        match marker {
            END => return true,
            // Without content: temporary, restarts, and a stuffed byte, which is scan data.
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ => {
                let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
                    return false;
                };
                at += usize::from(u16::from_be_bytes(*length));
            }
        }
    }
    false
}

const END: u8 = 0xD9;

/// The next marker at or after `at`, and where its content begins. Markers begin with any number of 0xFF.
fn marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(at..)?;
    let first = rest.iter().position(|&byte| byte == 0xFF)?;
    let code = first + rest[first..].iter().position(|&byte| byte != 0xFF)?;
    Some((rest[code], at + code + 1))
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn the_end_marker_is_looked_for_outside_segments_only() {
        // A comment that holds an end marker, as an embedded thumbnail does.
        let thumbnail = [0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 0xFF, 0xD9];
        assert!(!is_whole(&thumbnail));
        assert!(is_whole(&[&thumbnail[..], &[0xFF, 0xD9]].concat()));
        // Stuffed bytes, restarts and fill bytes of a scan do not end it.
        let scan = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0, 0xFF, 0xD0, 0xFF];
        assert!(!is_whole(&scan));
        assert!(is_whole(&[&scan[..], &[0xFF, 0xD9, 1, 2]].concat()));
    }
}

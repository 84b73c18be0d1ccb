//! QR codes as SVG.

use std::fmt::Write as _;

use askama::filters::Safe;
use fast_qr::QRBuilder;

use super::page::escape;
use crate::error::{Error, Result};

/// The white border that readers need, in modules.
const BORDER: usize = 4;

/// The QR code of a text as SVG: dark on white in each theme, because readers need it so.
///
/// # Errors
///
/// If the text is too long for a QR code.
pub(super) fn svg(text: &str, label: &str) -> Result<Safe<String>> {
    let code = QRBuilder::new(text)
        .build()
        .map_err(|error| Error::internal(error.to_string()))?;
    let mut path = String::new();
    for row in 0..code.size {
        for column in 0..code.size {
            if code[row][column].value() {
                // Writing to a text does not fail.
                let _ = write!(path, "M{} {}h1v1h-1z", column + BORDER, row + BORDER);
            }
        }
    }
    let size = code.size + 2 * BORDER;
    let label = escape(label);
    Ok(Safe(format!(
        r##"<svg class="qr" viewBox="0 0 {size} {size}" role="img" aria-label="{label}"><path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path fill="#000" d="{path}"/></svg>"##
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_code_with_its_finder_patterns() {
        let svg = svg(
            "https://door.example:8443/kiosk#pair=fk_0123456789",
            "a <link>",
        )
        .unwrap()
        .0;
        assert!(svg.contains("aria-label=\"a &lt;link&gt;\""), "{svg}");
        // The upper left finder pattern: seven dark modules in a row behind the border.
        for column in 4..11 {
            assert!(svg.contains(&format!("M{column} 4h1")), "{column}");
        }
        assert!(!svg.contains("M11 4h1"), "the separator is light");
    }

    #[test]
    fn a_text_that_is_too_long_is_an_error() {
        assert!(svg(&"a".repeat(4000), "").is_err());
    }
}

//! The limits of pictures, and the properties of those that state none.

use facekit::{
    Error, Result,
    image::{DecodeLimits, YuvMatrix},
};

/// The least height of high definition, whose matrix is BT.709.
const HIGH_DEFINITION: usize = 720;

#[cfg(feature = "h264")]
pub(crate) const INTERLACED: &str = "is interlaced; FFmpeg makes it progressive with -vf yadif";
#[cfg(feature = "h264")]
pub(crate) const OTHER_PIXELS: &str =
    "has other pixels than 4:2:0 of 8 bits; FFmpeg makes them with -pix_fmt yuv420p";

/// Fails for pictures beyond the limits, before there is room for them.
pub(crate) fn check_size(
    name: &str,
    (width, height): (usize, usize),
    limits: &DecodeLimits,
) -> Result<()> {
    if width == 0 || height == 0 {
        let reason = format!("has frames of {width} × {height} pixels");
        return Err(refused(name, reason));
    }
    let limit = if width.max(height) > limits.max_side {
        format!("{} pixels a side", limits.max_side)
    } else if width.saturating_mul(height) > limits.max_pixels {
        format!("{} pixels", limits.max_pixels)
    } else {
        return Ok(());
    };
    Err(Error::ImageTooLarge {
        name: name.to_owned(),
        found: format!("{width} × {height} pixels"),
        limit,
    })
}

/// The matrix of a video that states none.
pub(crate) fn usual_matrix(height: usize) -> YuvMatrix {
    if height >= HIGH_DEFINITION {
        YuvMatrix::Bt709
    } else {
        YuvMatrix::Bt601
    }
}

/// The matrix of a code (H.264, table E-5; H.265, table E.5). `None` if it is another one, or not stated.
#[cfg(feature = "h264")]
pub(crate) fn coded_matrix(code: u32) -> Option<YuvMatrix> {
    match code {
        1 => Some(YuvMatrix::Bt709),
        4..=6 => Some(YuvMatrix::Bt601),
        _ => None,
    }
}

/// Fails for an encoded picture of more bytes than `most`.
pub(crate) fn check_bytes(name: &str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    Err(Error::ImageTooLarge {
        name: name.to_owned(),
        found: format!("a picture of {found} bytes"),
        limit: format!("{most} bytes"),
    })
}

/// Fails for a number of frames in each second that no recording has.
pub(crate) fn check_rate(rate: f64) -> Result<()> {
    const SLOWEST: f64 = 0.01;
    const FASTEST: f64 = 1000.0;
    if (SLOWEST..=FASTEST).contains(&rate) {
        return Ok(());
    }
    let reason = format!("{rate} is not between {SLOWEST} and {FASTEST}");
    Err(Error::argument("rate", reason))
}

/// An error about a video.
pub(crate) fn refused(name: &str, reason: impl Into<String>) -> Error {
    Error::Image {
        name: name.to_owned(),
        reason: reason.into(),
        source: None,
    }
}

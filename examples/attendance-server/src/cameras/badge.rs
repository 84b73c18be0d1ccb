//! QR codes in pictures, for browsers that cannot read them.

use axum::body::Bytes;
use rqrr::PreparedImage;

use crate::{
    error::{Error, Result},
    recognition::decode_frame,
};

/// The text of the first QR code in a picture; none if there is none that can be read.
pub(super) async fn read(picture: Bytes) -> Result<Option<String>> {
    let read = tokio::task::spawn_blocking(move || Ok(find(&decode_frame(&picture)?)));
    read.await.map_err(Error::internal)?
}

fn find(picture: &facekit::Image) -> Option<String> {
    let width = picture.width();
    let pixels = picture.data();
    // Green has most of the light.
    let luma = |x: usize, y: usize| pixels[3 * (y * width + x) + 1];
    let mut prepared = PreparedImage::prepare_from_greyscale(width, picture.height(), luma);
    let grids = prepared.detect_grids();
    grids.iter().find_map(|grid| Some(grid.decode().ok()?.1))
}

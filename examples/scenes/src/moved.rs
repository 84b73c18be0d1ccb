use facekit::Image;

use crate::{Random, head::bilinear};

/// A photo as a camera sees it that somebody holds, or a print or screen that somebody holds before a camera: shifted, turned and
/// tilted a little, nearer or farther, in other light, and with noise. `track` chooses the movement, and `seconds` is the time in it.
///
/// ```
/// let photo = facekit::Image::filled(64, 48, [90; 3]);
/// let [first, second] = [0.0, 0.2].map(|seconds| scenes::moved(&photo, 7, seconds));
/// assert_ne!(first, second);
/// assert_eq!(first, scenes::moved(&photo, 7, 0.0));
/// ```
#[must_use]
pub fn moved(photo: &Image, track: u64, seconds: f64) -> Image {
    let mut random = Random::new(track.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 4);
    let mut swing = |most: f32| {
        let (pace, phase) = (random.between(0.3, 1.2), random.between(0.0, 1.0));
        let middle = random.between(-0.5, 0.5) * most;
        let turns = pace * seconds as f32 + phase;
        middle + 0.5 * most * (std::f32::consts::TAU * turns).sin()
    };
    let (width, height) = (photo.width() as f32, photo.height() as f32);
    let angle = swing(8.0).to_radians();
    let scale = 1.0 + swing(0.15);
    let (x, y) = (swing(0.05) * width, swing(0.05) * height);
    // The near side of something that is tilted is larger.
    let (tilt_x, tilt_y) = (swing(0.12), swing(0.12));
    let light = 1.0 + swing(0.2);
    let (sin, cos) = angle.sin_cos();
    let mut frame = Image::filled(photo.width(), photo.height(), [0; 3]);
    for (nth, pixel) in frame
        .data_mut()
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .enumerate()
    {
        let column = (nth % photo.width()) as f32 + 0.5 - width / 2.0;
        let row = (nth / photo.width()) as f32 + 0.5 - height / 2.0;
        let depth = scale * (1.0 + tilt_x * column / width + tilt_y * row / height);
        let (across, down) = ((column - x) / depth, (row - y) / depth);
        let from_x = width / 2.0 + across * cos + down * sin - 0.5;
        let from_y = height / 2.0 + down * cos - across * sin - 0.5;
        *pixel = bilinear(photo, from_x, from_y).map(|value| (light * value).round() as u8);
    }
    crate::grain::add(&mut frame, 1.5, track ^ (seconds * 1000.0) as u64);
    frame
}

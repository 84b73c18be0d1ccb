//! The noise of a camera.

use std::sync::OnceLock;

use facekit::Image;

use crate::Random;

/// The number of values that are drawn once.
const VALUES: usize = 1 << 16;

/// Adds noise of this standard deviation, in levels of 256, to the luma of each pixel. A frame of another number has other noise.
pub(crate) fn add(image: &mut Image, deviation: f32, frame: u64) {
    static NORMAL: OnceLock<Vec<f32>> = OnceLock::new();
    let normal = NORMAL.get_or_init(|| {
        let mut random = Random::new(97);
        // The sum of twelve numbers from 0 to 1 has a variance of 1.
        let sum = |_| (0..12).map(|_| random.between(0.0, 1.0)).sum::<f32>() - 6.0;
        (0..VALUES).map(sum).collect()
    });
    if deviation <= 0.0 {
        return;
    }
    let width = image.width();
    let mut random = Random::new(frame.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ 0xD1CE);
    for row in image.data_mut().chunks_exact_mut(3 * width) {
        let begin = random.below(VALUES);
        for (nth, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let noise = deviation * normal[(begin + nth) % VALUES];
            *pixel = pixel.map(|value| (f32::from(value) + noise).round() as u8);
        }
    }
}

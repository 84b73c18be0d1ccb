//! A cheap camera: light, blur, noise and few pixels.

use facekit::Image;

use crate::{dice::Dice, render::Canvas};

/// The light and the camera of a presentation. They stay the same from its first to its last frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    /// The brightness.
    gain: f32,
    gamma: f32,
    /// The change of brightness from one edge to the other, across and down.
    slope: [f32; 2],
    /// A bright spot: its place, 0 to 1, its size and its strength.
    highlight: [f32; 4],
    /// The standard deviation of the blur, in pixels.
    blur: f32,
    /// The standard deviation of the noise, in values of 0 to 255.
    noise: f32,
    /// The quality of JPEG, 0 to 100.
    pub(crate) quality: u8,
}

impl Camera {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        Self {
            gain: dice.within(0.65, 1.2),
            gamma: dice.within(0.8, 1.25),
            slope: [dice.within(-0.3, 0.3), dice.within(-0.3, 0.3)],
            highlight: [
                dice.within(0.2, 0.8),
                dice.within(0.2, 0.8),
                dice.within(0.03, 0.12),
                if dice.is(0.3) {
                    dice.within(20.0, 90.0)
                } else {
                    0.0
                },
            ],
            blur: dice.within(0.0, 0.9),
            noise: dice.within(0.5, 4.0),
            quality: dice.within(60.0, 95.0) as u8,
        }
    }

    /// A screen that shows what this camera has recorded: blurred, without noise.
    pub(crate) fn show(&self, canvas: &Canvas) -> Canvas {
        Canvas {
            side: canvas.side,
            pixels: blurred(&canvas.pixels, canvas.side, self.blur.max(0.5)),
        }
    }

    /// The picture that the camera takes.
    pub(crate) fn take(&self, canvas: &Canvas, dice: &mut Dice) -> Image {
        let side = canvas.side;
        let flicker = dice.within(0.98, 1.02);
        let mut lit = Vec::with_capacity(canvas.pixels.len());
        const SHADES: usize = 1024;
        let shades: Vec<f32> = (0..=SHADES)
            .map(|shade| 255.0 * (shade as f32 / SHADES as f32).powf(self.gamma))
            .collect();
        for y in 0..side {
            let down = y as f32 / side as f32;
            for x in 0..side {
                let across = x as f32 / side as f32;
                let light = self.gain
                    * flicker
                    * (1.0 + self.slope[0] * (across - 0.5) + self.slope[1] * (down - 0.5));
                let [hx, hy, size, strength] = self.highlight;
                let away = ((across - hx).powi(2) + (down - hy).powi(2)) / (size * size);
                let spot = if away < 9.0 {
                    strength * (-away).exp()
                } else {
                    0.0
                };
                let pixel = canvas.pixels[y * side + x];
                lit.push(pixel.map(|value| {
                    let value = (value * light / 255.0).clamp(0.0, 1.0);
                    shades[(value * SHADES as f32) as usize] + spot
                }));
            }
        }
        let blurred = blurred(&lit, side, self.blur);
        let mut image = Image::filled(side, side, [0; 3]);
        for (bytes, pixel) in image.data_mut().chunks_exact_mut(3).zip(blurred) {
            // Noise of a sensor is mostly common to the three colors after their interpolation.
            let common = self.noise * dice.normal();
            for (byte, value) in bytes.iter_mut().zip(pixel) {
                *byte = (value + common + 0.4 * self.noise * dice.normal()).round() as u8;
            }
        }
        image
    }
}

/// A Gaussian blur along both axes.
fn blurred(pixels: &[[f32; 3]], side: usize, deviation: f32) -> Vec<[f32; 3]> {
    if deviation < 0.2 {
        return pixels.to_vec();
    }
    let edge = (-0.5 / (deviation * deviation)).exp();
    let far = (-2.0 / (deviation * deviation)).exp();
    let sum = 1.0 + 2.0 * edge + 2.0 * far;
    let weights = [far / sum, edge / sum, 1.0 / sum, edge / sum, far / sum];
    let pass = |from: &[[f32; 3]], step: usize, place: &dyn Fn(usize) -> usize| {
        (0..from.len())
            .map(|at| {
                let place = place(at) as isize;
                let mut color = [0.0; 3];
                for (weight, offset) in weights.iter().zip(-2_isize..) {
                    let inside = (place + offset).clamp(0, side as isize - 1) - place;
                    let pixel = from[(at as isize + inside * step as isize) as usize];
                    for (sum, value) in color.iter_mut().zip(pixel) {
                        *sum += weight * value;
                    }
                }
                color
            })
            .collect::<Vec<_>>()
    };
    let across = pass(pixels, 1, &|at| at % side);
    pass(&across, side, &|at| at / side)
}

//! Gray pictures for tracking.

/// A gray picture of floating-point values, row by row.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    pub(super) fn from_fn(
        width: usize,
        height: usize,
        mut value: impl FnMut(usize, usize) -> f32,
    ) -> Self {
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            values.extend((0..width).map(|x| value(x, y)));
        }
        Self {
            width,
            height,
            values,
        }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value between four pixels. Outside, the nearest pixel counts.
    pub(super) fn between(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let left = (x as usize).min(self.width - 2);
        let top = (y as usize).min(self.height - 2);
        let (dx, dy) = (x - left as f32, y - top as f32);
        let above = &self.values[top * self.width + left..][..2];
        let below = &self.values[(top + 1) * self.width + left..][..2];
        (1.0 - dy) * ((1.0 - dx) * above[0] + dx * above[1])
            + dy * ((1.0 - dx) * below[0] + dx * below[1])
    }

    /// Half the size, each pixel the mean of four, after a blur of 1, 2, 1.
    pub(super) fn halved(&self) -> Self {
        let blurred = self.blurred();
        Self::from_fn(self.width / 2, self.height / 2, |x, y| {
            let (x, y) = (2 * x, 2 * y);
            let sum = blurred.at(x, y)
                + blurred.at(x + 1, y)
                + blurred.at(x, y + 1)
                + blurred.at(x + 1, y + 1);
            sum / 4.0
        })
    }

    /// Blurs with the weights 1, 2, 1 along both axes.
    fn blurred(&self) -> Self {
        let (right, bottom) = (self.width - 1, self.height - 1);
        let across = Self::from_fn(self.width, self.height, |x, y| {
            let sides = self.at(x.saturating_sub(1), y) + self.at((x + 1).min(right), y);
            0.25 * sides + 0.5 * self.at(x, y)
        });
        Self::from_fn(self.width, self.height, |x, y| {
            let sides = across.at(x, y.saturating_sub(1)) + across.at(x, (y + 1).min(bottom));
            0.25 * sides + 0.5 * across.at(x, y)
        })
    }

    /// The picture with a mean of 0 and a contrast of about 1 around each pixel, so that light and shadow do not count.
    /// `radius` is half the side of the surroundings, and `floor` is the contrast below which there is nothing but noise.
    pub(super) fn normalized(&self, radius: usize, floor: f32) -> Self {
        let squares = Self {
            values: self.values.iter().map(|value| value * value).collect(),
            ..self.clone()
        };
        let (mean, square) = (self.box_mean(radius), squares.box_mean(radius));
        let values = self
            .values
            .iter()
            .zip(mean.values.iter().zip(&square.values));
        let values = values.map(|(&value, (&mean, &square))| {
            let deviation = (square - mean * mean).max(0.0).sqrt();
            (value - mean) / (deviation + floor)
        });
        Self {
            values: values.collect(),
            ..*self
        }
    }

    /// The mean of the square around each pixel, as far as it is inside.
    fn box_mean(&self, radius: usize) -> Self {
        let across = Self::from_rows(self.height, self.width, |y, row| {
            running_mean(&self.values[y * self.width..][..self.width], radius, row);
        });
        let mut columns = vec![0.0; self.width * self.height];
        for y in 0..self.height {
            for x in 0..self.width {
                columns[x * self.height + y] = across.values[y * self.width + x];
            }
        }
        let down = Self::from_rows(self.width, self.height, |x, column| {
            running_mean(&columns[x * self.height..][..self.height], radius, column);
        });
        Self::from_fn(self.width, self.height, |x, y| {
            down.values[x * self.height + y]
        })
    }

    fn from_rows(rows: usize, length: usize, fill: impl Fn(usize, &mut Vec<f32>)) -> Self {
        let mut values = Vec::with_capacity(rows * length);
        for row in 0..rows {
            fill(row, &mut values);
        }
        Self {
            width: length,
            height: rows,
            values,
        }
    }
}

/// Appends the mean of the values at most `radius` away from each value.
fn running_mean(values: &[f32], radius: usize, means: &mut Vec<f32>) {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0_f64;
    sums.push(sum);
    for &value in values {
        sum += f64::from(value);
        sums.push(sum);
    }
    means.extend((0..values.len()).map(|at| {
        let (from, to) = (
            at.saturating_sub(radius),
            (at + radius + 1).min(values.len()),
        );
        ((sums[to] - sums[from]) / (to - from) as f64) as f32
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_pixels_are_interpolated() {
        let ramp = Plane::from_fn(8, 6, |x, y| x as f32 + 10.0 * y as f32);
        assert!((ramp.between(2.5, 3.25) - 35.0).abs() < 1e-5);
        assert!((ramp.between(-3.0, 9.0) - 50.0).abs() < 1e-5);
    }

    #[test]
    fn light_does_not_change_a_normalized_picture() {
        let picture = |x: usize, y: usize| ((x * 7 + y * 13) % 11) as f32;
        let dark = Plane::from_fn(40, 40, picture).normalized(6, 0.0);
        let bright = Plane::from_fn(40, 40, |x, y| 3.0 * picture(x, y) + 50.0).normalized(6, 0.0);
        for (a, b) in dark.values.iter().zip(&bright.values) {
            assert!((a - b).abs() < 1e-2, "{a} {b}");
        }
    }
}

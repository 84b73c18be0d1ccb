/// The matrix between red, green, blue and luma with chroma. The header of a video states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum YuvMatrix {
    /// ITU-R BT.601, for video of standard definition and for JPEG. The default.
    #[default]
    Bt601,
    /// ITU-R BT.709, for video of high definition.
    Bt709,
}

/// The range of the values of luma and chroma. The header of a video states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum YuvRange {
    /// Luma of 16 to 235, chroma of 16 to 240: almost all video. The default.
    #[default]
    Limited,
    /// 0 to 255: JPEG, and some cameras.
    Full,
}

/// The conversion of luma and chroma to RGB, in 16.16 fixed point.
#[derive(Clone, Copy)]
pub(super) struct Yuv {
    /// The luma of black.
    black: i32,
    luma: i32,
    red_of_v: i32,
    green_of_u: i32,
    green_of_v: i32,
    blue_of_u: i32,
}

impl Yuv {
    /// The factors of the two standards, ITU-R BT.601-7 and BT.709-6: with the weights `r`, `g` and `b` of luma, red is
    /// `Y + 2 (1 − r) V`, blue is `Y + 2 (1 − b) U`, and green is what is left. The limited range multiplies luma by 255/219 and
    /// chroma by 255/224.
    pub(super) fn new(matrix: YuvMatrix, range: YuvRange) -> Self {
        let factors = match (matrix, range) {
            (YuvMatrix::Bt601, YuvRange::Limited) => [76_309, 104_597, 25_675, 53_279, 132_201],
            (YuvMatrix::Bt601, YuvRange::Full) => [65_536, 91_881, 22_553, 46_802, 116_130],
            (YuvMatrix::Bt709, YuvRange::Limited) => [76_309, 117_489, 13_975, 34_925, 138_438],
            (YuvMatrix::Bt709, YuvRange::Full) => [65_536, 103_206, 12_276, 30_679, 121_609],
        };
        let [luma, red_of_v, green_of_u, green_of_v, blue_of_u] = factors;
        Self {
            black: if range == YuvRange::Limited { 16 } else { 0 },
            luma,
            red_of_v,
            green_of_u,
            green_of_v,
            blue_of_u,
        }
    }

    pub(super) fn rgb(self, luma: u8, u: u8, v: u8) -> [u8; 3] {
        let y = self.luma * (i32::from(luma) - self.black);
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        let channel = |value: i32| ((value + 32_768) >> 16).clamp(0, 255) as u8;
        [
            channel(y + self.red_of_v * v),
            channel(y - self.green_of_u * u - self.green_of_v * v),
            channel(y + self.blue_of_u * u),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights of red, green and blue in luma.
    fn weights(matrix: YuvMatrix) -> [f64; 3] {
        match matrix {
            YuvMatrix::Bt601 => [0.299, 0.587, 0.114],
            YuvMatrix::Bt709 => [0.2126, 0.7152, 0.0722],
        }
    }

    #[test]
    fn colors_come_back() {
        for matrix in [YuvMatrix::Bt601, YuvMatrix::Bt709] {
            let [of_red, of_green, of_blue] = weights(matrix);
            for range in [YuvRange::Limited, YuvRange::Full] {
                let (black, luma_scale, chroma_scale) = match range {
                    YuvRange::Limited => (16.0, 219.0 / 255.0, 224.0 / 255.0),
                    YuvRange::Full => (0.0, 1.0, 1.0),
                };
                for color in [[0_u8, 0, 0], [255, 255, 255], [200, 40, 90], [10, 180, 240]] {
                    let [r, g, b] = color.map(f64::from);
                    let y = of_red * r + of_green * g + of_blue * b;
                    let byte = |value: f64| value.round().clamp(0.0, 255.0) as u8;
                    let luma = byte(black + luma_scale * y);
                    let u = byte(128.0 + chroma_scale * (b - y) / (2.0 * (1.0 - of_blue)));
                    let v = byte(128.0 + chroma_scale * (r - y) / (2.0 * (1.0 - of_red)));
                    let back = Yuv::new(matrix, range).rgb(luma, u, v);
                    for (a, b) in color.into_iter().zip(back) {
                        assert!(
                            a.abs_diff(b) <= 2,
                            "{matrix:?} {range:?}: {color:?} became {back:?}"
                        );
                    }
                }
            }
        }
    }
}

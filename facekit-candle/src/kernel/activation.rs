//! What is done to a sum before it is stored.

/// A function of one value and the channel it is in.
#[derive(Clone, Debug, Default)]
pub(crate) enum Activation {
    #[default]
    None,
    /// At least `min` and at most `max`.
    Clamp { min: f32, max: f32 },
    /// Values below zero times a slope: one for all channels, or one for each.
    Slope(Vec<f32>),
}

impl Activation {
    /// Whether it has what it needs for this number of channels.
    pub(crate) fn fits(&self, channels: usize) -> bool {
        match self {
            Self::Slope(slopes) => slopes.len() == 1 || slopes.len() == channels,
            _ => true,
        }
    }

    #[inline(always)]
    pub(crate) fn apply(&self, channel: usize, values: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Clamp { min, max } => {
                for value in values {
                    // Not `clamp`: bounds may be the wrong way round, and then the upper one holds.
                    let raised = if *value < *min { *min } else { *value };
                    *value = if raised > *max { *max } else { raised };
                }
            }
            Self::Slope(slopes) => {
                let slope = slopes[if slopes.len() == 1 { 0 } else { channel }];
                for value in values {
                    *value *= if *value < 0.0 { slope } else { 1.0 };
                }
            }
        }
    }
}

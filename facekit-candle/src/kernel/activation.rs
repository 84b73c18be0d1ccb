//! The function that is applied to a sum before it is stored.

/// A function of one value and its channel.
#[derive(Clone, Debug, Default)]
pub(crate) enum Activation {
    #[default]
    None,
    /// At least `min` and at most `max`.
    Clamp { min: f32, max: f32 },
    /// Multiplies values below zero by a slope: one for all channels, or one for each.
    Slope(Vec<f32>),
}

impl Activation {
    /// True if its constants are for this number of channels.
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
                    // Not `f32::clamp`, which panics if `min` is above `max`. ONNX then gives `max`.
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

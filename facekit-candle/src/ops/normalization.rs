//! Normalization with statistics that were measured in training.

use candle_core::bail;

use super::pointwise::PointwiseOperator;
use crate::{node::Node, operator::NewOperator, pointwise::Pointwise};

pub(super) fn batch_normalization(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(5, 5)?;
    node.ignore_attributes(&["momentum"]);
    if node.output_count() != 1 || node.flag("training_mode", false)? {
        bail!("training is not supported");
    }
    if node.opset < 9 && node.int("spatial", 1)? != 1 {
        bail!("attribute spatial is not supported");
    }
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    let numbers = |input| node.take_floats(input).map(Option::unwrap_or_default);
    let (gain, bias) = (numbers(1)?, numbers(2)?);
    let (mean, variance) = (numbers(3)?, numbers(4)?);
    let count = gain.len();
    if [&bias, &mean, &variance]
        .iter()
        .any(|other| other.len() != count)
    {
        bail!("its constants are of different lengths");
    }
    let scale = gain.iter().zip(&variance);
    let scale =
        scale.map(|(&gain, &variance)| f64::from(gain) / (f64::from(variance) + epsilon).sqrt());
    let scale: Vec<f64> = scale.collect();
    let shift = (0..count).map(|i| f64::from(bias[i]) - f64::from(mean[i]) * scale[i]);
    let affine = Pointwise::Affine {
        shift: shift.map(|shift| shift as f32).collect(),
        scale: scale.into_iter().map(|scale| scale as f32).collect(),
    };
    Ok(Box::new(PointwiseOperator::new(affine, node)))
}

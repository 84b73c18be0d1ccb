//! Measures the time of a model: `cargo run --release -p facekit-candle --example timing -- MODEL.onnx 1x3x320x320 [RUNS]`.
//!
//! Prints the least and the median time of a run in milliseconds, on one thread.

use std::{env, error::Error, time::Instant};

use facekit::{LoadOptions, Model, Runtime};
use facekit_candle::Candle;
use ndarray::ArrayD;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, shape, rest @ ..] = &arguments[..] else {
        return Err("usage: timing MODEL.onnx SHAPE [RUNS], where SHAPE is that of the input, such as 1x3x320x320".into());
    };
    let runs = rest.first().map_or(Ok(30), |runs| runs.parse::<usize>())?;
    let shape = shape
        .split('x')
        .map(str::parse)
        .collect::<Result<Vec<usize>, _>>()?;

    let network = Candle::new().load(&Model::open(model)?, &LoadOptions::default())?;
    let mut state = 1_u32;
    let input = ArrayD::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as f32
    });
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        network.run(&[input.view().into()])?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "least {:.3} ms, median {:.3} ms",
        times[0],
        times[times.len() / 2]
    );
    Ok(())
}

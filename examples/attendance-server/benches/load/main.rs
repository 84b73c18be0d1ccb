//! The server under load. Each figure is a ratio of two measurements of the same run, by turns.
//!
//! ```text
//! cargo bench -p attendance-server --bench load -- [NAME]...
//! ```
//!
//! Without names, all parts run: `recognition`, `overload`, `records`, `people`, `recompute`, `peer`. Environment variables:
//! `LOAD_MODELS` chooses the models, `nano` by default; `LOAD_RUNTIME` the runtime, `tract` by default; `LOAD_PUNCHES` the punches
//! of `recompute`, a million by default; and `LOAD_PEER` the Python program with the packages of `peer`, which
//! `cargo xtask bench server` installs.

mod client;
mod office;
mod overload;
mod peer;
mod people;
mod recognition;
mod recompute;
mod records;

use std::{env, time::Duration};

use anyhow::{Result, bail};

const PARTS: [&str; 6] = [
    "recognition",
    "overload",
    "records",
    "people",
    "recompute",
    "peer",
];

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // `cargo test --all-targets` starts benches, too.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("start it with cargo bench");
        return Ok(());
    }
    let names: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with("--"))
        .collect();
    if let Some(unknown) = names.iter().find(|name| !PARTS.contains(name)) {
        bail!("no part {unknown:?}; there are {}", PARTS.join(", "));
    }
    let chosen = |name| names.is_empty() || names.contains(&name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for part in PARTS.into_iter().filter(|part| chosen(part)) {
        println!("{part}");
        runtime.block_on(async {
            match part {
                "recognition" => recognition::measure().await,
                "overload" => overload::measure().await,
                "records" => records::measure().await,
                "people" => people::measure().await,
                "recompute" => recompute::measure().await,
                _ => peer::measure().await,
            }
        })?;
    }
    Ok(())
}

/// The value below which this share of the times is.
fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let position = (times.len() as f64 * share) as usize;
    times[position.min(times.len() - 1)]
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The memory of a process in MiB, from Linux. `process` is a number or `self`.
fn resident(process: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    match kib {
        Some(kib) => Ok(kib / 1024.0),
        None => bail!("the system does not tell the memory of a process"),
    }
}

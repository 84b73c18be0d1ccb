//! `facekit eval index`: the index keeps the recall that it promises. With `FACEKIT_SOAK` set, in large indexes and with many
//! probes.

use std::process::Command;

use serde_json::Value;

fn eval(arguments: &[String]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_facekit"))
        .args(["--json", "eval", "index"])
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_promised_recall_is_kept() {
    let soak = std::env::var_os("FACEKIT_SOAK").is_some();
    let cases: &[(u32, u32, u32)] = match soak {
        true => &[
            (20_000, 128, 10_000),
            (100_000, 128, 10_000),
            (1_000_000, 128, 10_000),
            (20_000, 512, 10_000),
            (100_000, 512, 10_000),
        ],
        false => &[(20_000, 128, 300), (5_000, 512, 100)],
    };
    for (seed, (people, dimension, probes)) in cases.iter().enumerate() {
        let arguments = [
            ("--n", *people),
            ("--dim", *dimension),
            ("--probes", *probes),
            ("--seed", seed as u32 + 1),
        ];
        let arguments: Vec<String> = arguments
            .iter()
            .flat_map(|(name, value)| [(*name).to_owned(), value.to_string()])
            .collect();
        let report = eval(&arguments);
        if soak {
            println!("{report:#}");
        }
        assert_eq!(report["entries"], *people);
        let rows = ["searches", "rosters"].map(|part| report[part].as_array().unwrap());
        let rows: Vec<&Value> = rows.into_iter().flatten().collect();
        assert!(rows.len() >= 30, "{} rows", rows.len());
        for row in rows {
            let promised = row["recall"].as_f64().unwrap();
            let neighbors = row["neighbors"].as_f64().unwrap();
            // Three standard deviations of the number of misses that the promise allows.
            let misses = (1.0 - promised) * neighbors;
            let allowed = (misses + 3.0 * misses.sqrt()).ceil() / neighbors.max(1.0);
            let found = row["recall_at_k"].as_f64().unwrap();
            assert!(found >= 1.0 - allowed, "{row:#}");
        }
    }
}

#[test]
fn a_graph_is_measured_too() {
    let arguments = ["--n", "3000", "--dim", "32", "--probes", "50", "--graph"];
    let report = eval(&arguments.map(str::to_owned));
    let rows = report["searches"].as_array().unwrap();
    let graphs = rows.iter().filter(|row| {
        let way = row["way"].as_str().unwrap();
        way.starts_with("graph") && row["recall"].is_null()
    });
    assert_eq!(graphs.count(), 8);
    assert!(report["graph_build_s"].as_f64().unwrap() > 0.0);
}

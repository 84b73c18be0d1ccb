//! Runs the quantization of ONNX Runtime, which is written in Python.

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use facekit::{CancellationToken, Error, Model};
use ndarray::ArrayD;

const SCRIPT: &str = include_str!("quantize.py");

/// Quantizes a model to 8-bit integers. The ranges of its values are measured on `inputs`.
pub(super) fn quantize(
    python: &Path,
    model: &Model,
    inputs: &[ArrayD<f32>],
    token: &CancellationToken,
) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("no folder for temporary files")?;
    // A model that is part of the program has no file.
    let source = match model.path() {
        Some(path) => path.to_owned(),
        None => {
            let path = folder.path().join("model.onnx");
            fs::write(&path, model.bytes()).context("writing to the folder for temporary files")?;
            path
        }
    };
    let (script, output) = (
        folder.path().join("quantize.py"),
        folder.path().join("quantized.onnx"),
    );
    fs::write(&script, SCRIPT).context("writing to the folder for temporary files")?;
    for (index, input) in inputs.iter().enumerate() {
        let sizes: Vec<String> = input.shape().iter().map(ToString::to_string).collect();
        let path = folder
            .path()
            .join(format!("{index:06}_{}.f32", sizes.join("x")));
        write(&path, input).context("writing to the folder for temporary files")?;
    }
    let shown = python.display();
    let said = folder.path().join("said.txt");
    let stderr = fs::File::create(&said).context("writing to the folder for temporary files")?;
    let mut child = Command::new(python)
        .arg(&script)
        .args([&source, folder.path(), &output])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .with_context(|| {
            format!("{shown}: cannot be run; --python names a Python that has onnx and onnxruntime")
        })?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if token.is_cancelled() {
            child.kill()?;
            child.wait()?;
            return Err(Error::Cancelled.into());
        }
        thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        let words = fs::read(&said).context("reading from the folder for temporary files")?;
        let words = String::from_utf8_lossy(&words);
        let last = words.trim().lines().last().unwrap_or("it printed no error");
        match last.strip_prefix("missing: ") {
            Some(package) => bail!(
                "{shown}: the package {package} is missing; `{shown} -m pip install onnx onnxruntime` installs it"
            ),
            None => bail!("{shown}: quantizing failed: {last}"),
        }
    }
    fs::read(&output).with_context(|| format!("{shown}: quantizing wrote no model"))
}

fn write(path: &Path, input: &ArrayD<f32>) -> std::io::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    for value in input {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()
}

//! Settings: a file, environment variables and flags.

use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use attendance_server::{private_file, recognition::LocalOptions};
use clap::Args;
use facekit_runtimes::RuntimeName;
use serde::Deserialize;

/// The settings as flags and environment variables.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingsOptions {
    /// The file of settings, in TOML. attendance-server.example.toml explains each key.
    #[arg(long, global = true, env = "ATTENDANCE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the database, the keys and the certificates. [default: attendance-data]
    #[arg(long, global = true, env = "ATTENDANCE_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The address to listen on. Without TLS it must be of this machine. [default: 127.0.0.1:8080]
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_LISTEN",
        value_name = "ADDRESS:PORT"
    )]
    listen: Option<SocketAddr>,
    /// "local": HTTPS with a certificate authority of this server's own, for the names in --name.
    #[arg(long, global = true, env = "ATTENDANCE_TLS", value_name = "MODE")]
    tls: Option<TlsMode>,
    /// A name or an address of this server, for the certificate of --tls local. Repeat it for several. [default: localhost]
    #[arg(
        long = "name",
        global = true,
        env = "ATTENDANCE_NAMES",
        value_name = "NAME",
        value_delimiter = ','
    )]
    names: Vec<String>,
    /// The certificate chain, in PEM.
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The private key, in PEM.
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// The file with the key that protects the keys of people. Without it and without ATTENDANCE_KEY, which has a key or a
    /// passphrase, everybody who has the data folder can read it. A missing file is made at the first start.
    #[arg(long, global = true, env = "ATTENDANCE_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The models that recognize faces: "nano" is part of the program and serves dozens of people; "standard" and others are
    /// read from the folder in FACEKIT_MODELS. [default: nano]
    #[arg(long, global = true, env = "ATTENDANCE_MODELS", value_name = "NAME")]
    models: Option<String>,
    /// A manifest of models of your own, in TOML.
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_MODELS_FILE",
        value_name = "FILE"
    )]
    models_file: Option<PathBuf>,
    /// The runtime of the models: "tract" is part of the program; "ort" is ONNX Runtime, if the program was built with its
    /// feature "ort". Its library is found by ORT_DYLIB_PATH or on the system. [default: tract]
    #[arg(long, global = true, env = "ATTENDANCE_RUNTIME", value_name = "NAME")]
    runtime: Option<String>,
    /// The share of strangers at a door who may get a name, above 0 and up to 0.1. A smaller one refuses more of the people who
    /// are enrolled. [default: 0.01]
    #[arg(long, global = true, env = "ATTENDANCE_FPIR", value_name = "RATE")]
    fpir: Option<f64>,
    /// Equalizes the contrast of pictures before faces are looked for: for dark places. [default: false]
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_EQUALIZE",
        value_name = "BOOLEAN"
    )]
    equalize: Option<bool>,
    /// Makes each template from the photo and copies that are turned, lighter, darker and blurred a little. An enrolment takes
    /// several times as long. [default: false]
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_AUGMENT",
        value_name = "BOOLEAN"
    )]
    augment: Option<bool>,
    /// The threads that recognize faces, each one picture or one enrolment at a time. [default: one for each core]
    #[arg(
        long,
        global = true,
        env = "ATTENDANCE_RECOGNITION_THREADS",
        value_name = "NUMBER"
    )]
    recognition_threads: Option<NonZeroUsize>,
}

/// The source of the certificate of HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TlsMode {
    /// From a certificate authority of the server's own.
    Local,
}

/// The settings of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    tls: Option<TlsMode>,
    names: Option<Vec<String>>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    key_file: Option<PathBuf>,
    models: Option<String>,
    models_file: Option<PathBuf>,
    runtime: Option<String>,
    fpir: Option<f64>,
    equalize: Option<bool>,
    augment: Option<bool>,
    recognition_threads: Option<NonZeroUsize>,
}

/// The settings that apply.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The folder of the database, the keys and the certificates.
    pub(crate) data: PathBuf,
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// The certificate of HTTPS; none for plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// The file with the key of the vault.
    pub(crate) key_file: Option<PathBuf>,
    /// The models of recognition, and its threads.
    pub(crate) recognition: LocalOptions,
}

/// The certificate of HTTPS.
#[derive(Clone, Debug)]
pub(crate) enum Tls {
    /// From the server's own authority, for these names.
    Local { names: Vec<String> },
    /// From files.
    Files { chain: PathBuf, key: PathBuf },
}

impl Settings {
    /// The settings of flags and variables, then of the file, then the defaults.
    pub(crate) fn read(options: &SettingsOptions) -> Result<Self> {
        let file = match &options.config {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("the settings {} cannot be read", path.display()))?;
                toml::from_str(&text).with_context(|| format!("the settings {}", path.display()))?
            }
            None => File::default(),
        };
        let names = if options.names.is_empty() {
            file.names.unwrap_or_else(|| vec!["localhost".to_owned()])
        } else {
            options.names.clone()
        };
        // The mode and the files exclude each other; the stronger source decides between them.
        let from_options = match (&options.tls_cert, &options.tls_key, options.tls) {
            (Some(_), Some(_), Some(_)) => {
                anyhow::bail!("state either --tls or --tls-cert and --tls-key")
            }
            (Some(chain), Some(key), None) => Some(Tls::Files {
                chain: chain.clone(),
                key: key.clone(),
            }),
            (_, _, Some(TlsMode::Local)) => Some(Tls::Local {
                names: names.clone(),
            }),
            _ => None,
        };
        let from_file = match (file.tls_cert, file.tls_key, file.tls) {
            (Some(_), Some(_), Some(_)) => {
                anyhow::bail!("the settings have both tls and tls_cert; state one of them")
            }
            (Some(chain), Some(key), None) => Some(Tls::Files { chain, key }),
            (None, None, Some(TlsMode::Local)) => Some(Tls::Local { names }),
            (None, None, None) => None,
            _ => anyhow::bail!("the settings have only one of tls_cert and tls_key; state both"),
        };
        let data = options.data.clone().or(file.data);
        let listen = options.listen.or(file.listen);
        let standard = LocalOptions::default();
        let runtime = options.runtime.clone().or(file.runtime);
        let runtime = runtime.map(|name| name.parse::<RuntimeName>());
        let recognition = LocalOptions {
            models: options
                .models
                .clone()
                .or(file.models)
                .unwrap_or(standard.models),
            manifest: options.models_file.clone().or(file.models_file),
            folder: None,
            spaces: Vec::new(),
            runtime: runtime.transpose()?.unwrap_or(standard.runtime),
            fpir: options.fpir.or(file.fpir).unwrap_or(standard.fpir),
            equalize: options
                .equalize
                .or(file.equalize)
                .unwrap_or(standard.equalize),
            augment: options.augment.or(file.augment).unwrap_or(standard.augment),
            threads: options
                .recognition_threads
                .or(file.recognition_threads)
                .unwrap_or(standard.threads),
        };
        Ok(Self {
            key_file: options.key_file.clone().or(file.key_file),
            recognition,
            data: data.unwrap_or_else(|| PathBuf::from("attendance-data")),
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            tls: from_options.or(from_file),
        })
    }

    /// Makes the data folder, which only its owner can read, if it is not there.
    pub(crate) fn make_folder(&self) -> Result<()> {
        let made = private_file::make_folder(&self.data);
        made.with_context(|| format!("the data folder {} cannot be made", self.data.display()))
    }

    /// The file of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("attendance.db")
    }

    /// The file of the keys of people.
    pub(crate) fn vault(&self) -> PathBuf {
        self.data.join("keys.facekit")
    }

    /// The folder of the server's own certificates.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.data.join("tls")
    }
}

/// Removes a file, such as one that an interrupted command left.
pub(crate) fn remove_if_present(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names of a folder durable: those of files that were made or renamed in it. Only Unix needs it.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Writes a file that only its owner can read, at once or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    use std::io::Write;

    let temporary = path.with_extension("new");
    let write = || {
        remove_if_present(&temporary)?;
        let mut file = private_file::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

//! Certificates of HTTPS: from files, or from an authority of the server's own.
//!
//! Browsers give pages a camera only over HTTPS. An office without certificates of its own lets its devices trust the
//! authority once; the server makes its certificate with it, and a new one when its names change or it ends.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::settings::{Settings, Tls, write_private};

/// The file of the authority's certificate, which devices trust.
pub(crate) const AUTHORITY: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority-key.pem";

/// The configuration of HTTPS.
pub(crate) fn configuration(settings: &Settings, tls: &Tls) -> Result<RustlsConfig> {
    let (chain, key) = match tls {
        Tls::Files { chain, key } => {
            let read = |path: &Path| {
                std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
            };
            (read(chain)?, read(key)?)
        }
        Tls::Local { names } => local(&settings.certificates(), names)?,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .context("the certificate chain is no PEM")?;
    let key = PrivateKeyDer::from_pem_slice(&key).context("the private key is no PEM")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key do not belong together")?;
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(configuration)))
}

/// The certificate of the server's own authority, in PEM.
pub(crate) fn authority(settings: &Settings) -> Result<String> {
    let file = settings.certificates().join(AUTHORITY);
    std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
}

/// A certificate for these names by the server's own authority, and its key, in PEM.
fn local(folder: &Path, names: &[String]) -> Result<(Vec<u8>, Vec<u8>)> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let key_file = folder.join(AUTHORITY_KEY);
    let authority = authority_parameters();
    let authority_key = if key_file.exists() {
        let pem = std::fs::read_to_string(&key_file)
            .with_context(|| format!("{} cannot be read", key_file.display()))?;
        KeyPair::from_pem(&pem).with_context(|| format!("{} has no key", key_file.display()))?
    } else {
        let key = KeyPair::generate()?;
        let certificate = authority.self_signed(&key)?;
        // The certificate first: without its key, the next start makes both again.
        write_private(&folder.join(AUTHORITY), certificate.pem().as_bytes())?;
        write_private(&key_file, key.serialize_pem().as_bytes())?;
        key
    };
    let issuer = Issuer::new(authority, authority_key);
    let mut parameters =
        CertificateParams::new(names.to_vec()).context("a name of the server is no host name")?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, "attendance-server");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let now = Timestamp::now().as_second();
    // Clients refuse certificates that are longer than 398 days. Each start makes a new one.
    parameters.not_before = rcgen::date_time_ymd(1975, 1, 1).max(time(now - 24 * 3600)?);
    parameters.not_after = time(now + 397 * 24 * 3600)?;
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, &issuer)?;
    Ok((
        certificate.pem().into_bytes(),
        key.serialize_pem().into_bytes(),
    ))
}

fn time(seconds: i64) -> Result<time::OffsetDateTime> {
    time::OffsetDateTime::from_unix_timestamp(seconds).context("the clock is wrong")
}

/// The authority. It has no random parts but the key, so that each start makes the same name of it.
fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "attendance-server local authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

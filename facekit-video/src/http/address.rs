//! The address of a camera, and what of it may be shown.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use facekit::{Error, Result};
use ureq::http::Uri;

/// The address of a camera. Only its public part is ever shown: no user, no password and no query, which often has both.
#[derive(Clone)]
pub(super) struct Address {
    /// The address without user and password.
    url: String,
    is_https: bool,
    /// The value of the header `Authorization`.
    authorization: Option<String>,
    shown: String,
}

impl Address {
    /// Reads an address such as `http://user:password@192.168.1.7/video`. An error does not have the address.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |reason: &str| Error::argument("address", reason);
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(wrong("it does not begin with http:// or https://"));
        };
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("it does not begin with http:// or https://")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let scheme = if is_https { "https" } else { "http" };
        let path = path.split('#').next().unwrap_or_default();
        let url = format!("{scheme}://{host}{path}");
        let is_right = url.parse::<Uri>().is_ok_and(|uri| {
            let has_host = uri.host().is_some_and(|host| !host.is_empty());
            has_host && (uri.port_u16().is_some() || uri.host() == Some(host))
        });
        // A password with a slash would be part of the path, which is shown.
        let path_shown = path.split('?').next().unwrap_or_default();
        if !is_right || path_shown.contains('@') {
            return Err(wrong(
                "it is not of the form http://user:password@host:port/path; in a password, @ is %40 and / is %2F",
            ));
        }
        let authorization = user.map(|user| {
            let user = percent_decoded(user);
            format!("Basic {}", BASE64_STANDARD.encode(user))
        });
        Ok(Self {
            shown: format!("{scheme}://{host}{path_shown}"),
            url,
            is_https,
            authorization,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The part of the address that may be shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown)
    }
}

/// The bytes of a text in which some are written as `%` and two hexadecimal digits.
fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_sent_and_never_shown() {
        let address =
            Address::parse("HTTP://me:se%40cret%2F@door.local:8080/cgi?pwd=hidden#x").unwrap();
        assert_eq!(address.url(), "http://door.local:8080/cgi?pwd=hidden");
        let sent = address
            .authorization()
            .unwrap()
            .strip_prefix("Basic ")
            .unwrap();
        assert_eq!(BASE64_STANDARD.decode(sent).unwrap(), b"me:se@cret/");
        for shown in [address.to_string(), format!("{address:?}")] {
            assert_eq!(shown.trim_matches('"'), "http://door.local:8080/cgi");
        }
        let address = Address::parse("https://[fe80::1]:8443/video").unwrap();
        assert!(address.is_https() && address.authorization().is_none());
    }

    #[test]
    fn other_addresses_are_refused_without_their_text() {
        for text in [
            "secret@door/video",
            "rtsp://me:secret@door/video",
            "http://",
            "http://me:secret@/video",
            "http://me:secret@door local/",
            "http://me:secret@door:port/",
            "http://me:99/secret@door/",
            "http://me:secret/secret@door/",
            "http://me:secret@door/\r\nsecret: 1",
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(
                error.contains("address") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(https?://)?[ -~é]{0,40}") {
            if let Ok(address) = Address::parse(&text) {
                prop_assert!(address.url().parse::<Uri>().is_ok());
                prop_assert!(!address.to_string().contains(['@', '?']));
            }
        }

        #[test]
        fn a_password_is_never_shown(password in "[!-~]{1,20}") {
            let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let address = Address::parse(&format!("http://me:{encoded}@door/")).unwrap();
            prop_assert_eq!(address.to_string(), "http://door/");
            let sent = address.authorization().unwrap().strip_prefix("Basic ").unwrap();
            let sent = BASE64_STANDARD.decode(sent).unwrap();
            prop_assert_eq!(sent, format!("me:{password}").into_bytes());
        }
    }
}

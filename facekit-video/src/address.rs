//! The address of a camera, and what of it may be shown.

use std::fmt;

use facekit::{Error, Result};

/// The address of a camera. Only its public part is ever shown: no user, no password, no query, and of the path only what is before the
/// first part with a `=`, because some cameras want the password there.
#[derive(Clone)]
pub(crate) struct Address {
    /// The address without user and password.
    url: String,
    credentials: Option<Credentials>,
    shown: String,
}

/// A user and a password, which may be empty.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

/// The addresses of a kind of camera.
pub(crate) struct Kind {
    /// In lower case.
    pub(crate) schemes: &'static [&'static str],
    /// True for an address with this host and port.
    pub(crate) is_url: fn(&str, &str) -> bool,
}

impl Address {
    /// Reads an address such as `http://user:password@192.168.1.7/video`. An error does not have the address.
    pub(crate) fn parse(text: &str, kind: &Kind) -> Result<Self> {
        let wrong = |reason: String| Error::argument("address", reason);
        let known = |scheme: &str| {
            let mut schemes = kind.schemes.iter();
            schemes.find(|known| scheme.eq_ignore_ascii_case(known))
        };
        let split = text.split_once("://");
        let Some((scheme, rest)) = split.and_then(|(scheme, rest)| Some((known(scheme)?, rest)))
        else {
            let schemes = kind.schemes.join("://, ");
            return Err(wrong(format!("it begins with none of these: {schemes}://")));
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        // A password with one of these letters would be cut in two, and its first part shown as the host, the port or the path.
        let is_cut = path.contains('@');
        let path = path.split('#').next().unwrap_or_default();
        let url = format!("{scheme}://{host}{path}");
        let has_gaps = url.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        if has_gaps || is_cut || !(kind.is_url)(&url, host) {
            return Err(wrong(format!(
                "it is not of the form {scheme}://user:password@host:port/path; in a password, / is %2F, ? is %3F and # is %23, and \
                 everywhere else @ is %40, too"
            )));
        }
        let public = public_path(path.split('?').next().unwrap_or_default());
        Ok(Self {
            shown: format!("{scheme}://{host}{public}"),
            url,
            credentials: user.map(Credentials::parse),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The part of the address that may be shown.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

/// The part of a path that may be shown.
pub(crate) fn public_path(path: &str) -> &str {
    match path.split_once('=') {
        Some((before, _)) => &before[..before.rfind('/').map_or(0, |end| end + 1)],
        None => path,
    }
}

impl Credentials {
    fn parse(text: &str) -> Self {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Self {
            user: percent_decoded(user),
            password: percent_decoded(password),
        }
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

    const KIND: Kind = Kind {
        schemes: &["http", "https"],
        is_url: |_, host| !host.is_empty(),
    };

    fn parse(text: &str) -> Result<Address> {
        Address::parse(text, &KIND)
    }

    #[test]
    fn credentials_are_kept_and_never_shown() {
        let address = parse("HTTP://me:se%40cret%2F@door.local:8080/cgi?pwd=hidden#x").unwrap();
        assert_eq!(address.url(), "http://door.local:8080/cgi?pwd=hidden");
        let credentials = address.credentials().unwrap();
        assert_eq!(
            (&*credentials.user, &*credentials.password),
            (&b"me"[..], &b"se@cret/"[..])
        );
        for shown in [address.to_string(), format!("{address:?}")] {
            assert_eq!(shown.trim_matches('"'), "http://door.local:8080/cgi");
        }
        assert!(
            parse("https://[fe80::1]:8443/video")
                .unwrap()
                .credentials()
                .is_none()
        );
        let address = parse("http://door/live/user=admin_password=hidden/x").unwrap();
        assert_eq!(address.to_string(), "http://door/live/");
        assert!(address.url().ends_with("hidden/x"));
        let address = parse("http://me@door/").unwrap();
        assert!(address.credentials().unwrap().password.is_empty());
    }

    #[test]
    fn other_addresses_are_refused_without_their_text() {
        for text in [
            "secret@door/video",
            "rtsp://me:secret@door/video",
            "http://",
            "http://me:secret@/video",
            "http://me:secret@door local/",
            "http://me:99/secret@door/",
            "http://me:secret/secret@door/",
            "http://me:secret@door/\r\nsecret: 1",
            // The first part of the password would be the port.
            "http://secret:12345#@door/video",
            "http://secret:12345?@door/video",
            "http://secret:12/345#x@door/video",
            "http://secret:12/345?x@door/video",
            "http://me:secret@door/video?of=me@home",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.contains("address") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(https?://)?[ -~é]{0,40}") {
            if let Ok(address) = parse(&text) {
                prop_assert!(!address.to_string().contains(['@', '?']));
            }
        }

        #[test]
        fn a_password_is_never_shown(password in "[!-~]{1,20}") {
            let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let address = parse(&format!("http://me:{encoded}@door/")).unwrap();
            prop_assert_eq!(address.to_string(), "http://door/");
            prop_assert_eq!(&address.credentials().unwrap().password, password.as_bytes());
        }
    }
}

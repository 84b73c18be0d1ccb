//! The server's side of digest authentication (RFC 7616, with MD5).

use md5::{Digest as _, Md5};

/// True if the request has the digest of this user and password, for its own method and target, and the nonce.
pub(crate) fn is_right(request: &str, user: &str, password: &str, nonce: &str) -> bool {
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let Some(sent) = authorization(request).and_then(|sent| sent.strip_prefix("Digest ")) else {
        return false;
    };
    let field = |name: &str| {
        let fields = sent
            .split(',')
            .filter_map(|field| field.trim().split_once('='));
        let mut values = fields.filter(|(found, _)| *found == name);
        values.next().map(|(_, value)| value.trim_matches('"'))
    };
    let realm = field("realm").unwrap_or_default();
    let secret = hashed(&format!("{user}:{realm}:{password}"));
    let asked = hashed(&format!("{method}:{target}"));
    let expected = match (field("qop"), field("nc"), field("cnonce")) {
        (Some(quality), Some(count), Some(client)) => hashed(&format!(
            "{secret}:{nonce}:{count}:{client}:{quality}:{asked}"
        )),
        _ => hashed(&format!("{secret}:{nonce}:{asked}")),
    };
    field("username") == Some(user)
        && field("uri") == Some(target)
        && field("nonce") == Some(nonce)
        && field("response") == Some(&*expected)
}

/// The value of the header `Authorization` of a request.
pub(crate) fn authorization(request: &str) -> Option<&str> {
    let mut fields = request.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    found.map(|(_, value)| value)
}

fn hashed(text: &str) -> String {
    let bytes = Md5::digest(text.as_bytes());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The URLs that weights are fetched from.

use std::net::IpAddr;

/// Checks that weights may be fetched from a URL: https, or http on this machine. The error names the broken rule.
pub(super) fn check(url: &str) -> Result<(), String> {
    let fail = |what: &str| Err(format!("url {url:?} {what}"));
    if url
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii())
    {
        return fail("has a character that must be percent-encoded");
    }
    let Some((scheme, host)) = scheme_and_host(url) else {
        return fail("is not an address");
    };
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => fail("is plain http, which is allowed only for this machine"),
        _ => fail("is not https"),
    }
}

/// The scheme and the host of a URL. The host of an IPv6 address has no brackets.
pub(super) fn scheme_and_host(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = if let Some(rest) = host.strip_prefix('[') {
        rest.split_once(']')?.0
    } else {
        host.split(':').next()?
    };
    (!host.is_empty()).then_some((scheme, host))
}

/// True if a host is this machine, as far as the text shows it. No name is resolved.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

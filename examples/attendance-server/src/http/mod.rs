//! Code that API and pages share: the caller of a request, the routes of a role, headers, and errors.

mod caller;
mod guard;
mod headers;
mod problem;
mod request_id;
mod upload;

pub(crate) use {caller::cookie, guard::not_found, problem::log};
pub use {
    caller::{Browser, Caller, SESSION_COOKIE, end_cookie, recognize, session_cookie},
    guard::{ErrorPages, guard},
    headers::headers,
    problem::Problem,
    request_id::{current_request_id, request_id},
    upload::Photos,
};

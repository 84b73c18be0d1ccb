//! Pages of long lists.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    access::Actor,
    error::{Error, Result},
    secret,
    store::Transaction,
};

/// The items of a page, unless the request says otherwise.
pub const USUAL_LIMIT: u32 = 50;

/// The most items of a page.
pub const GREATEST_LIMIT: u32 = 500;

/// The part of a list that is asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct PageRequest {
    /// The most items, 1 to 500. By default 50.
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u32>,
    /// `next` of the page before; none for the first page.
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; none on the last page.
    pub next: Option<String>,
}

impl PageRequest {
    /// The most items.
    ///
    /// # Errors
    ///
    /// If the limit is not 1 to 500.
    pub fn limit(&self) -> Result<usize> {
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if (1..=GREATEST_LIMIT).contains(&limit) {
            Ok(limit as usize)
        } else {
            let detail = format!("limit is {limit}; it must be 1 to {GREATEST_LIMIT}.");
            Err(Error::invalid("/limit", "limit_out_of_range", detail))
        }
    }

    /// The position after which the page begins; none for the first page.
    ///
    /// # Errors
    ///
    /// If the cursor is not one that this list gave to this actor's organisation.
    pub fn position<P: DeserializeOwned>(
        &self,
        tx: &Transaction,
        actor: &Actor,
        list: &str,
    ) -> Result<Option<P>> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (tag, position) = bytes.split_at_checked(16)?;
            if !secret::equal(tag, &tag_of(tx, actor, list, position)) {
                return None;
            }
            serde_json::from_slice(position).ok()
        };
        match read() {
            Some(position) => Ok(Some(position)),
            None => Err(Error::invalid(
                "/cursor",
                "wrong_cursor",
                "The cursor is not one of this list.",
            )),
        }
    }
}

impl<T> Page<T> {
    /// A page of at most `limit` of `items`, which has one more if there is a next page. `position` is that of the last
    /// item.
    ///
    /// # Errors
    ///
    /// If a position cannot be written.
    pub fn of<P: Serialize>(
        tx: &Transaction,
        actor: &Actor,
        list: &str,
        mut items: Vec<T>,
        limit: usize,
        position: impl Fn(&T) -> P,
    ) -> Result<Self> {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = match items.last().filter(|_| has_more) {
            Some(last) => {
                let position = serde_json::to_vec(&position(last))?;
                let tag = tag_of(tx, actor, list, &position);
                Some(URL_SAFE_NO_PAD.encode([&tag[..], &position].concat()))
            }
            None => None,
        };
        Ok(Self { items, next })
    }

    /// The same page with other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

fn tag_of(tx: &Transaction, actor: &Actor, list: &str, position: &[u8]) -> [u8; 16] {
    let key = &tx.services().secret;
    let hash = secret::keyed_hash(
        key,
        &[b"cursor", actor.org.as_bytes(), list.as_bytes(), position],
    );
    let mut tag = [0; 16];
    tag.copy_from_slice(&hash[..16]);
    tag
}

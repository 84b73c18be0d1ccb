use super::{KeyVault, does_not_open};
use crate::{
    error::{Error, Result},
    person::PersonId,
    sealed_file::{
        rows::{Kind, context},
        template::{Spaces, decode_template, encode_template},
    },
    store::{NewTemplate, Template, TemplateId},
};

/// A template as a program keeps it: sealed under the key of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedTemplate {
    /// The id of the template.
    pub id: TemplateId,
    /// The person it belongs to.
    pub person: PersonId,
    /// The result of [`KeyVault::seal_template`].
    pub sealed: Vec<u8>,
}

impl SealedTemplate {
    /// The template of an id, a person, and the bytes that [`KeyVault::seal_template`] made.
    #[must_use]
    pub fn new(id: TemplateId, person: PersonId, sealed: Vec<u8>) -> Self {
        Self { id, person, sealed }
    }
}

impl KeyVault {
    /// Encrypts a template, without its crop, under the key of `person`. The first byte of the result is the version of its
    /// layout.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the person has no key.
    ///
    /// ```
    /// use facekit::{Digest, Embedding, EmbeddingSpace, KeyVault, NewTemplate, PersonId, Protection};
    /// use facekit::{SealedTemplate, TemplateId};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("keys.facekit");
    ///
    /// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// let embedding = Embedding::new(&space, vec![0.6, 0.8])?;
    /// let template = NewTemplate::new(embedding, 0.9, jiff::Timestamp::UNIX_EPOCH);
    ///
    /// let vault = KeyVault::create(&path, &Protection::None)?;
    /// let anna = PersonId::new("anna")?;
    /// vault.add(&[anna.clone()])?;
    /// let row = SealedTemplate::new(TemplateId(7), anna.clone(), vault.seal_template(&anna, &template)?);
    /// assert_eq!(vault.unseal_template(&row)?.embedding, template.embedding);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn seal_template(&self, person: &PersonId, template: &NewTemplate) -> Result<Vec<u8>> {
        let context = context(Kind::Template, 0, 0);
        let sealed = self
            .key(person)?
            .seal(&context, &encode_template(template))?;
        Ok([&[LAYOUT][..], &sealed].concat())
    }

    /// Opens a template that [`seal_template`](Self::seal_template) sealed.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] as for [`unseal`](Self::unseal), and if a later version of facekit sealed the template.
    pub fn unseal_template(&self, template: &SealedTemplate) -> Result<Template> {
        self.unseal_sharing(template, &mut Spaces::default())
    }

    /// Opens a template, which shares its embedding space with those opened before.
    pub(crate) fn unseal_sharing(
        &self,
        template: &SealedTemplate,
        spaces: &mut Spaces,
    ) -> Result<Template> {
        let person = &template.person;
        let refused = |reason: String| Error::Key {
            what: format!("template {} of person {person}", template.id),
            reason,
        };
        let Some((&layout, sealed)) = template.sealed.split_first() else {
            return Err(refused("it is empty".to_owned()));
        };
        if layout != LAYOUT {
            return Err(refused(format!(
                "its layout is version {layout}, this facekit reads version {LAYOUT}"
            )));
        }
        let plain = self
            .key(person)?
            .open(&context(Kind::Template, 0, 0), sealed)
            .ok_or_else(|| does_not_open(person))?;
        let new = decode_template(&plain, spaces).map_err(refused)?;
        Ok(Template::new(template.id, person.clone(), &new))
    }
}

/// The version of the layout of sealed templates.
const LAYOUT: u8 = 2;

//! The texts of the page, in each language.

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../assets/challenge.html");

/// The languages and their texts. The first one is for everybody else.
const LANGUAGES: [(&str, &str); 2] = [
    ("en", include_str!("../assets/en.json")),
    ("de", include_str!("../assets/de.json")),
];

type Texts = BTreeMap<String, String>;

/// The page in the first language of the header `Accept-Language` that there is.
pub(crate) fn page(accepted: &str) -> String {
    let wanted = accepted.split(',').filter_map(|part| {
        let tag = part.split(';').next()?.trim();
        let language = tag.split('-').next()?;
        LANGUAGES
            .iter()
            .find(|(name, _)| language.eq_ignore_ascii_case(name))
    });
    let (language, texts) = wanted.into_iter().next().unwrap_or(&LANGUAGES[0]);
    let mut page = PAGE.replace("{{language}}", language);
    for (key, text) in read(texts) {
        page = page.replace(&format!("{{{{{key}}}}}"), &escaped(&text));
    }
    // The script reads them. No text of JSON can end the element.
    page.replace("{{texts}}", &texts.replace('<', "\\u003c"))
}

fn read(texts: &str) -> Texts {
    serde_json::from_str(texts).expect("a file of texts is an object of strings")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use facekit::{ChallengePrompt, ChallengeReason};

    use super::*;

    #[test]
    fn each_language_has_all_texts() {
        let keys = |texts: &str| -> BTreeSet<String> { read(texts).into_keys().collect() };
        let first = keys(LANGUAGES[0].1);
        for (language, texts) in LANGUAGES {
            assert_eq!(keys(texts), first, "{language}");
        }
        let prompts = ["left", "middle", "right"].map(|dot| format!("challenge-look-{dot}"));
        let reasons = ChallengeReason::ALL.map(|reason| format!("reason-{}", reason.code()));
        let help = ChallengePrompt::HELP_KEY.to_owned();
        for key in prompts.into_iter().chain(reasons).chain([help]) {
            assert!(first.contains(&key), "{key}");
        }
    }

    #[test]
    fn the_page_is_in_the_language_of_the_reader() {
        for (accepted, language) in [
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("fr, DE;q=0.5", "de"),
            ("fr", "en"),
            ("", "en"),
        ] {
            let page = page(accepted);
            assert!(
                page.contains(&format!("<html lang=\"{language}\"")),
                "{accepted}"
            );
            assert!(!page.contains("{{"), "a text is missing: {accepted}");
        }
    }
}

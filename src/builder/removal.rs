//! Taking our images off an engine.

use anyhow::Context as _;

use super::REPOSITORY;
use crate::engine::{Engine, ImageInfo, labels};

/// What became of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Images that lost the tags that we gave them; what has no other is gone.
    pub images: usize,
    /// Images that bear our label and no tag of anybody. They stay: what is built on an image of ours inherits its
    /// label, so nobody can tell whose they are.
    pub nameless: usize,
}

/// Removes every image by the tags that we gave it. Whatever else is on the engine stays: images that were built on
/// ours, other tags of ours, and what a container still uses.
///
/// # Errors
/// When the engine does not answer.
pub async fn remove_all(engine: &dyn Engine) -> anyhow::Result<Removed> {
    let tagged = engine.images_of(REPOSITORY).await.context("cannot list images")?;
    let images = remove_ours(engine, &tagged).await;
    let label = format!("{}={}", labels::KIND, labels::ResourceKind::Image.as_str());
    let labelled = engine.images_with_label(&label).await.context("cannot list images")?;
    let nameless = labelled.iter().filter(|image| image.tags.is_empty()).count();
    Ok(Removed { images, nameless })
}

/// Takes the tags that we gave them off `images`; how many of them lost all of these.
pub async fn remove_ours(engine: &dyn Engine, images: &[ImageInfo]) -> usize {
    let mut left: Vec<Vec<String>> = images
        .iter()
        .map(|image| ours(image).map(str::to_owned).collect())
        .filter(|tags: &Vec<_>| !tags.is_empty())
        .collect();
    let all = left.len();
    // Children go before their parents, so several rounds may be needed.
    loop {
        let before = left.len();
        let mut stayed = Vec::new();
        for references in left {
            let mut gone = true;
            for reference in &references {
                gone &= engine.remove_image(reference).await.is_ok();
            }
            if !gone {
                stayed.push(references);
            }
        }
        left = stayed;
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    all - left.len()
}

/// Removes an image whose tag another has taken, if nobody gave it one more and nothing is built on it.
pub(super) async fn superseded(engine: &dyn Engine, id: &str) {
    // What cannot be removed takes space, and does no harm.
    if let Ok(Some(image)) = engine.image(id).await
        && image.tags.is_empty()
    {
        let _ = engine.remove_image(id).await;
    }
}

/// The tags of an image that are as we give them: `atsmatrix/KIND:` and 16 hex digits.
fn ours(image: &ImageInfo) -> impl Iterator<Item = &str> {
    let is_digest =
        |tag: &str| tag.len() == 16 && tag.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    image.tags_of(REPOSITORY).filter(move |tag| tag.rsplit_once(':').is_some_and(|(_, digest)| is_digest(digest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Labels;
    use crate::engine::fake::FakeEngine;

    #[tokio::test]
    async fn what_bears_our_tag_goes_and_of_a_pulled_base_our_tag_alone() {
        let engine = FakeEngine::new()
            .with_image("atsmatrix/package:00000000000000f1", labels::image_labels())
            .with_image("r.test/debian:12", Labels::new())
            .with_image("r.test/other:1", Labels::new());
        engine.tag("r.test/debian:12", "atsmatrix/base:00000000000000b1").await.unwrap();
        assert_eq!(remove_all(&engine).await.unwrap().images, 2);
        for (reference, stays) in [
            ("atsmatrix/package:00000000000000f1", false),
            ("atsmatrix/base:00000000000000b1", false),
            ("r.test/debian:12", true),
            ("r.test/other:1", true),
        ] {
            assert_eq!(engine.image(reference).await.unwrap().is_some(), stays, "{reference}");
        }
        assert_eq!(remove_all(&engine).await.unwrap(), Removed { images: 0, nameless: 0 });
    }

    /// What is built on an image of ours inherits its label.
    #[tokio::test]
    async fn what_others_built_on_ours_stays() {
        let theirs = ["registry.corp.test/ats:prod", "localhost/mine:00000000000000f1", "atsmatrix/mine:1"];
        let ours = FakeEngine::new().with_image("atsmatrix/runtime:00000000000000f1", labels::image_labels());
        let engine = theirs.iter().fold(ours, |engine, name| engine.with_image(name, labels::image_labels()));
        assert_eq!(remove_all(&engine).await.unwrap(), Removed { images: 1, nameless: 0 });
        for reference in theirs {
            assert!(engine.image(reference).await.unwrap().is_some(), "{reference}");
        }
    }
}

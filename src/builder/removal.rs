//! Removal of the images that this program made.

use anyhow::Context as _;

use super::REPOSITORY;
use crate::engine::{Engine, ImageInfo, labels};

/// Result of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Images that lost all tags of this program. Those without other tags are removed.
    pub images: usize,
    /// Images with this program's label and no tag at all. They stay: images that others build on ours inherit the
    /// label, so their owner is unknown.
    pub nameless: usize,
}

/// Removes every image by the tags that this program gave it. Everything else stays: images that others built on
/// these, other tags in the same repository, and images that a container still uses.
///
/// # Errors
/// If the engine does not answer.
pub async fn remove_all(engine: &dyn Engine) -> anyhow::Result<Removed> {
    let tagged = engine.images_of(REPOSITORY).await.context("cannot list images")?;
    let images = remove_ours(engine, &tagged).await;
    let label = format!("{}={}", labels::KIND, labels::ResourceKind::Image.as_str());
    let labelled = engine.images_with_label(&label).await.context("cannot list images")?;
    let nameless = labelled.iter().filter(|image| image.tags.is_empty()).count();
    Ok(Removed { images, nameless })
}

/// Removes this program's tags from `images`; returns how many images lost all of them.
pub async fn remove_ours(engine: &dyn Engine, images: &[ImageInfo]) -> usize {
    let mut left: Vec<Vec<String>> = images
        .iter()
        .map(|image| ours(image).map(str::to_owned).collect())
        .filter(|tags: &Vec<_>| !tags.is_empty())
        .collect();
    let all = left.len();
    // Children must go before their parents, so several rounds may be needed.
    loop {
        let before = left.len();
        let mut remaining = Vec::new();
        for references in left {
            let mut removed = true;
            for reference in &references {
                removed &= engine.remove_image(reference).await.is_ok();
            }
            if !removed {
                remaining.push(references);
            }
        }
        left = remaining;
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    all - left.len()
}

/// Removes an image whose tag has moved to another, unless it has further tags or is the base of others.
pub(super) async fn superseded(engine: &dyn Engine, id: &str) {
    // A failed removal only costs space.
    if let Ok(Some(image)) = engine.image(id).await
        && image.tags.is_empty()
    {
        let _ = engine.remove_image(id).await;
    }
}

/// The tags of an image in the form of this program: `atsmatrix/KIND:` and 16 hex digits.
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
    async fn our_images_are_removed_and_a_pulled_base_loses_only_our_tag() {
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

    /// Images built on ours inherit its label.
    #[tokio::test]
    async fn images_that_others_built_on_ours_stay() {
        let theirs = ["registry.corp.test/ats:prod", "localhost/mine:00000000000000f1", "atsmatrix/mine:1"];
        let ours = FakeEngine::new().with_image("atsmatrix/runtime:00000000000000f1", labels::image_labels());
        let engine = theirs.iter().fold(ours, |engine, name| engine.with_image(name, labels::image_labels()));
        assert_eq!(remove_all(&engine).await.unwrap(), Removed { images: 1, nameless: 0 });
        for reference in theirs {
            assert!(engine.image(reference).await.unwrap().is_some(), "{reference}");
        }
    }
}

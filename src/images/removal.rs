//! Taking our images off an engine.

use anyhow::Context as _;

use super::REPOSITORY;
use crate::engine::{Engine, labels};

/// Removes every image that bears our label, and our tags of those that cannot bear it (bases that
/// were pulled; their own tags stay). Returns how many images that were. What a container still uses
/// stays.
///
/// # Errors
/// When the engine does not answer.
pub async fn remove_all(engine: &dyn Engine) -> anyhow::Result<usize> {
    let label = format!("{}={}", labels::KIND, labels::Kind::Image.as_str());
    let labelled = engine.images_with_label(&label).await.context("cannot list images")?;
    let tagged = engine.images_of(REPOSITORY).await.context("cannot list images")?;
    let mut left: Vec<Vec<String>> = labelled.iter().map(|image| vec![image.id.clone()]).collect();
    for image in tagged.into_iter().filter(|image| labelled.iter().all(|labelled| labelled.id != image.id)) {
        left.push(image.tags_of(REPOSITORY).map(str::to_owned).collect());
    }
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
            return Ok(all - left.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Labels;
    use crate::engine::fake::FakeEngine;

    #[tokio::test]
    async fn what_bears_our_label_goes_and_of_a_pulled_base_our_tag_alone() {
        let engine = FakeEngine::new()
            .with_image("atsmatrix/package:1", labels::image_labels())
            .with_image("r.test/debian:12", Labels::new())
            .with_image("r.test/other:1", Labels::new());
        engine.tag("r.test/debian:12", "atsmatrix/base:1").await.unwrap();
        assert_eq!(remove_all(&engine).await.unwrap(), 2);
        for (reference, stays) in [
            ("atsmatrix/package:1", false),
            ("atsmatrix/base:1", false),
            ("r.test/debian:12", true),
            ("r.test/other:1", true),
        ] {
            assert_eq!(engine.image(reference).await.unwrap().is_some(), stays, "{reference}");
        }
        assert_eq!(remove_all(&engine).await.unwrap(), 0);
    }
}

//! An image with files of another image beside its own: a bisection swaps libraries by path, so that no
//! experiment has to build anything.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::context;
use crate::config::matrix::sha256_hex;
use crate::engine::{BuildSpec, Engine, labels};

/// A layer with files of another image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer<'a> {
    /// Tag of the image below.
    pub base: &'a str,
    /// Tag of the image that the files come from.
    pub from: &'a str,
    /// Paths in `from`, without blanks and wildcards.
    pub files: &'a [String],
    /// The folder to copy them into.
    pub folder: &'a str,
    /// Texts of further files, by path.
    pub placed: &'a BTreeMap<String, String>,
}

/// Folder of the build context for [`Layer::placed`].
const PLACED: &str = "placed";

/// Makes the image, if it does not exist, and returns its tag, a digest of all inputs.
/// `ids` are the content digests of both images, because their tags may move to other images.
///
/// # Errors
/// Those of the engine.
pub async fn layer(engine: &dyn Engine, layer: &Layer<'_>, ids: [&str; 2]) -> anyhow::Result<String> {
    let mut files = BTreeMap::from([("Containerfile".to_owned(), recipe(layer)?.into_bytes())]);
    for (path, text) in layer.placed {
        files.insert(format!("{PLACED}/{}", path.trim_start_matches('/')), text.clone().into_bytes());
    }
    let context = context::tar(&files)?;
    let hex = sha256_hex(format!("{} {}", ids.join(" "), sha256_hex(&context)).as_bytes());
    let tag = format!("atsmatrix/bisect:{}", &hex[..16]);
    if engine.image(&tag).await?.is_some() {
        return Ok(tag);
    }
    let spec = BuildSpec {
        context,
        containerfile: "Containerfile".to_owned(),
        labels: labels::image_labels(),
        tag: tag.clone(),
        ..BuildSpec::default()
    };
    engine
        .build(&spec, &mut |_| {})
        .await
        .with_context(|| format!("cannot add files of {} to {}", layer.from, layer.base))?;
    Ok(tag)
}

/// The recipe: one instruction for all files, because the classic builder takes seconds for each.
fn recipe(layer: &Layer<'_>) -> anyhow::Result<String> {
    let mut text = format!("FROM {} AS other\nFROM {}\n", layer.from, layer.base);
    if !layer.files.is_empty() {
        let folder = format!("{}/", layer.folder);
        let words: Vec<&String> = layer.files.iter().chain(std::iter::once(&folder)).collect();
        let words = serde_json::to_string(&words).context("cannot write the paths as JSON")?;
        text += "COPY --from=other ";
        text += &words;
        text.push('\n');
    }
    if !layer.placed.is_empty() {
        text = text + "COPY " + PLACED + "/ /\n";
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::FakeEngine;

    #[tokio::test]
    async fn equal_inputs_give_one_image_and_different_inputs_give_another() {
        let engine = FakeEngine::new();
        let files = ["/usr/lib/libssl.so.3".to_owned()];
        let nothing = BTreeMap::new();
        let one = Layer { base: "a:1", from: "b:1", files: &files, folder: "/x/lib", placed: &nothing };
        let tag = layer(&engine, &one, ["sha256:a", "sha256:b"]).await.unwrap();
        assert_eq!(layer(&engine, &one, ["sha256:a", "sha256:b"]).await.unwrap(), tag);
        assert_ne!(layer(&engine, &one, ["sha256:a", "sha256:c"]).await.unwrap(), tag);
        let placed = BTreeMap::from([("/etc/nsswitch.conf".to_owned(), "hosts: files\n".to_owned())]);
        let other = Layer { placed: &placed, ..one.clone() };
        assert_ne!(layer(&engine, &other, ["sha256:a", "sha256:b"]).await.unwrap(), tag);
        assert_eq!(
            recipe(&other).unwrap(),
            "FROM b:1 AS other\nFROM a:1\nCOPY --from=other [\"/usr/lib/libssl.so.3\",\"/x/lib/\"]\nCOPY placed/ /\n"
        );
    }
}

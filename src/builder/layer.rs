//! An image with files of another one beside its own: bisecting swaps libraries by naming them, so that
//! no experiment builds anything.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::context;
use crate::config::matrix::sha256_hex;
use crate::engine::{BuildSpec, Engine, labels};

/// What goes onto an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer<'a> {
    /// The image it goes onto: a tag.
    pub base: &'a str,
    /// The image that the files come from: a tag.
    pub from: &'a str,
    /// Paths in `from`; plain ones, without blanks and wildcards.
    pub files: &'a [String],
    /// The folder they lie in afterwards.
    pub folder: &'a str,
    /// Files to put in place, by path.
    pub placed: &'a BTreeMap<String, String>,
}

/// Folder of the build context for files that are put in place.
const PLACED: &str = "placed";

/// Makes the image, if it is not there, and returns its tag, which is a digest of all that goes in.
/// `ids` are the content digests of both images: a tag may be given to another image one day.
///
/// # Errors
/// The engine's.
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
        .with_context(|| format!("cannot put files of {} beside those of {}", layer.from, layer.base))?;
    Ok(tag)
}

/// The recipe: one instruction for all files, as the classic builder takes seconds an instruction.
fn recipe(layer: &Layer<'_>) -> anyhow::Result<String> {
    let mut text = format!("FROM {} AS other\nFROM {}\n", layer.from, layer.base);
    if !layer.files.is_empty() {
        let folder = format!("{}/", layer.folder);
        let words: Vec<&String> = layer.files.iter().chain(std::iter::once(&folder)).collect();
        let words = serde_json::to_string(&words).context("paths are no JSON")?;
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
    async fn equal_inputs_are_one_image_and_others_are_another() {
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

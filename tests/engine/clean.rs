//! Removal of images. The engine has other users, so only images of this test are listed.

use atsmatrix::builder;
use atsmatrix::engine::{BuildSpec, Labels, labels};

use crate::rig::{Rig, context, recipe, with_rig};

/// Builds an image with one more file on `from`, under `tag`.
async fn on(rig: &Rig, tag: &str, from: &str, file: &str, labels: Labels) {
    let text = format!("FROM {from}\nCOPY {file} /{file}\n");
    let files = context(&[("Containerfile", text.as_bytes(), 0o644), (file, b"x", 0o644)]);
    let spec = BuildSpec { labels, ..recipe(tag, files) };
    rig.engine.build(&spec, &mut |_| {}).await.unwrap();
}

#[tokio::test]
async fn images_that_others_built_on_ours_stay_although_they_have_our_label() {
    with_rig("clean", |rig| async move {
        let mark = format!("atsmatrix.test-clean={}", std::process::id());
        let (key, value) = mark.split_once('=').unwrap();
        let digest = format!("{:016x}", std::process::id());
        let ours = [format!("atsmatrix/package:{digest}"), format!("atsmatrix/agent:{digest}")];
        let theirs = [format!("localhost/theirs:{digest}"), "atsmatrix/theirs:clean".to_owned()];
        let mut marks = labels::image_labels();
        marks.insert(key.to_owned(), value.to_owned());
        on(&rig, &ours[0], &rig.image, "package", marks).await;
        // Two images of other users: one on the first image, and one whose name then moves to another image.
        on(&rig, &theirs[0], &ours[0], "theirs", Labels::new()).await;
        on(&rig, &theirs[1], &ours[0], "first", Labels::new()).await;
        let nameless = rig.engine.image(&theirs[1]).await.unwrap().unwrap().id;
        on(&rig, &theirs[1], &ours[0], "second", Labels::new()).await;
        on(&rig, &ours[1], &ours[0], "agent", Labels::new()).await;

        // All of them inherit our label.
        let found = rig.engine.images_with_label(&mark).await.unwrap();
        let kind = labels::ResourceKind::Image.as_str();
        assert!(found.iter().all(|image| image.labels[labels::KIND] == kind), "{found:#?}");
        assert_eq!(found.iter().filter(|image| image.tags.is_empty()).count(), 1, "{found:#?}");
        assert_eq!(found.len(), 5);

        assert_eq!(builder::remove_ours(&*rig.engine, &found).await, 2);
        for tag in &ours {
            assert_eq!(rig.engine.image(tag).await.unwrap(), None, "{tag}");
        }
        for stays in theirs.iter().chain([&nameless]) {
            assert!(rig.engine.image(stays).await.unwrap().is_some(), "{stays}");
            rig.engine.remove_image(stays).await.unwrap();
        }
        assert_eq!(rig.engine.images_with_label(&mark).await.unwrap(), []);
    })
    .await;
}

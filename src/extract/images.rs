//! The images of a note, in the app's shape and in the web's.

use super::address;
use super::object::Object;
use crate::model::{Cover, Image};

const LISTS: &[&str] = &["images_list", "image_list", "imageList", "imagesList"];
/// Where the web keeps addresses by use, and its words for the usual size and the preview.
const BY_USE: &[&str] = &["info_list", "infoList"];
const USES: &[&str] = &["WB_DFT", "WB_PRV"];

/// The images of a note, and the one that stands for it.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// How many the vendor listed; none where it told no list.
    pub(super) count: Option<i32>,
    pub(super) all: Vec<Image>,
    pub(super) cover: Cover,
}

/// Reads a note's images; some listings tell a cover alone.
pub(super) fn read_images(note: &Object<'_>) -> Images {
    let list = note.list(LISTS);
    let images: Vec<Image> = list
        .iter()
        .flat_map(super::object::List::objects)
        .map(|(position, image)| read_image(position, &image))
        .collect();
    let first = images.first().cloned().or_else(|| note.child(&["cover"]).map(|cover| read_image(0, &cover)));
    Images { count: list.map(|list| list.len()), cover: first.map(cover).unwrap_or_default(), all: images }
}

fn cover(image: Image) -> Cover {
    Cover { url: image.url.or(image.large_url).or(image.original_url), width: image.width, height: image.height }
}

fn read_image(position: i32, image: &Object<'_>) -> Image {
    let url = image.text(&["url", "url_default", "urlDefault"]).or_else(|| by_use(image));
    let url = url.or_else(|| image.text(&["url_pre", "urlPre"]));
    let large_url = image.text(&["url_size_large", "urlSizeLarge"]);
    let original_url = image.text(&["original", "original_url", "originalUrl"]);
    let expires_at = [&url, &large_url, &original_url].into_iter().flatten().find_map(|url| address::expires_at(url));
    Image {
        position,
        file_id: image.text(&["fileid", "file_id", "fileId", "trace_id", "traceId"]),
        width: image.pixels(&["width"]),
        height: image.pixels(&["height"]),
        url,
        large_url,
        original_url,
        expires_at,
    }
}

fn by_use(image: &Object<'_>) -> Option<String> {
    let entries = image.list(BY_USE)?.objects();
    let of_use = |scene: &str| {
        let entry = entries.iter().find(|(_, e)| e.text(&["image_scene", "imageScene"]).as_deref() == Some(scene))?;
        entry.1.text(&["url"])
    };
    USES.iter().find_map(|scene| of_use(scene))
}

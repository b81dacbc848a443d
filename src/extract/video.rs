//! The video of a note: one stream's address, size and length.

use super::object::Object;
use crate::model::Video;

const BLOCKS: &[&str] = &["video_info_v2", "videoInfoV2", "video_info", "videoInfo", "video"];
/// Codecs, the most widely playable first.
const CODECS: &[&str] = &["h264", "h265", "av1", "h266"];

/// Reads a note's video; any part may be absent or empty.
pub(super) fn read_video(note: &Object<'_>) -> Video {
    let Some(block) = note.child(BLOCKS) else { return Video::default() };
    let media = block.child(&["media"]);
    let inner = media.as_ref().and_then(|media| media.child(&["video"]));
    let stream = media.as_ref().and_then(|media| best_stream(&media.child(&["stream"])?));
    let stream = stream.as_ref();
    let size = |name: &str| {
        [stream, inner.as_ref(), Some(&block)].into_iter().flatten().find_map(|object| object.pixels(&[name]))
    };
    // Streams tell milliseconds; the blocks around them tell whole seconds.
    let exact = stream.and_then(|stream| stream.duration(&["duration", "video_duration", "videoDuration"], 1.0));
    let seconds = || {
        let capa = block.child(&["capa"]);
        [capa.as_ref(), inner.as_ref(), Some(&block)]
            .into_iter()
            .flatten()
            .find_map(|object| object.duration(&["duration"], 1000.0))
    };
    Video {
        duration_ms: exact.or_else(seconds),
        url: stream.and_then(address).or_else(|| block.text(&["url", "master_url", "masterUrl"])),
        width: size("width"),
        height: size("height"),
    }
}

/// Returns the first stream that has an address, else the first at all.
fn best_stream<'a>(streams: &Object<'a>) -> Option<Object<'a>> {
    let all: Vec<Object<'a>> = CODECS
        .iter()
        .filter_map(|codec| streams.list(&[codec]))
        .flat_map(|list| list.objects())
        .map(|(_, stream)| stream)
        .collect();
    all.iter().find(|stream| address(stream).is_some()).or_else(|| all.first()).copied()
}

fn address(stream: &Object<'_>) -> Option<String> {
    stream.text(&["master_url", "masterUrl", "url"]).or_else(|| stream.first_text(&["backup_urls", "backupUrls"]))
}

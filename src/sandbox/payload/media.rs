//! Images and videos: links that expire, sizes that repeat, blocks that are missing here and there.
//!
//! No link leads anywhere: hosts end in `.invalid`, so that nothing real is asked for a made-up file.

use serde_json::{Value, json};

use super::Payloads;
use crate::sandbox::universe::Note;

/// How long a link holds after the universe's present second.
const EXPIRES_AFTER: i64 = 10 * 86_400;

const SIZES: &[(u32, u32)] = &[(1280, 1707), (1080, 1440), (1080, 1920), (4284, 5712), (1440, 1080)];

impl Payloads<'_> {
    /// Lists the images as listings do: the first has `url`, the others only `url_size_large`.
    pub(super) fn listed_images(self, note: &Note) -> Vec<Value> {
        (0..note.images).map(|position| self.listed_image(note, position)).collect()
    }

    fn listed_image(self, note: &Note, position: u32) -> Value {
        let Image { file, width, height, link } = self.image(note, position);
        json!({
            "fileid": file,
            "trace_id": file,
            "width": width,
            "height": height,
            "url": if position == 0 { link(576, "PRV") } else { String::new() },
            "url_size_large": link(1440, "PRV"),
            "original": "",
            "need_load_original_image": false,
        })
    }

    /// Lists the images as details do: with links to the originals and to several qualities.
    pub(super) fn detailed_images(self, note: &Note) -> Vec<Value> {
        (0..note.images).map(|position| self.detailed_image(note, position)).collect()
    }

    fn detailed_image(self, note: &Note, position: u32) -> Value {
        let Image { file, width, height, link } = self.image(note, position);
        let mut image = json!({
            "original": link(5000, "ORG"),
            "longitude": 0,
            "latitude": 0,
            "scale_to_large": 4,
            "url": if position == 0 { link(576, "PRV") } else { String::new() },
            "width": width,
            "height": height,
            "index": position,
            "trace_id": file,
            "fileid": file,
            "text_intention": 0,
            "url_multi_level": {"low": link(576, "PRV"), "medium": link(576, "PRV"), "high": link(1080, "PRV")},
            "need_load_original_image": true,
            "origin_img": {"height": height, "width": width, "size": 0},
        });
        if position > 0 {
            image["url_size_large"] = json!(link(1440, "PRV"));
        }
        image
    }

    /// Returns a link to the first image in another place than the list.
    pub(super) fn cover(self, note: &Note, width: u32) -> String {
        let file = self.image(note, 0).file;
        format!("http://sns-img.sandbox.invalid/{file}?imageView2/2/w/{width}/format/jpg/q/75")
    }

    fn image(self, note: &Note, position: u32) -> Image<impl Fn(u32, &str) -> String> {
        let mut draws = self.draws("image", note.number * 16 + position);
        let file = format!("1040g0083{}", draws.token(31).to_lowercase());
        let (width, height) = if note.is_video { self.frame(note) } else { *draws.pick(SIZES) };
        let (host, sign, expires) = (draws.below(12), draws.hex(32), self.0.now() + EXPIRES_AFTER);
        let path = file.clone();
        let link = move |width: u32, kind: &str| {
            let view = format!("imageView2/2/w/{width}/format/heif/q/58|imageMogr2/strip&redImage/frame/0/enhance/4");
            format!(
                "https://sns-i{host}.sandbox.invalid/{path}?{view}&ap=1&sc=V_{kind}&sign={sign}&t={expires:x}&src=A"
            )
        };
        Image { file, width, height, link }
    }

    fn frame(self, note: &Note) -> (u32, u32) {
        *self.draws("frame", note.number).pick(&[(720, 1280), (1080, 1920), (1920, 1080)])
    }

    /// Words the video of a note; none for image notes, and for a few videos.
    pub(super) fn video(self, note: &Note) -> Option<Value> {
        let mut draws = self.draws("stream", note.number);
        let duration = note.sound.as_ref().filter(|_| note.is_video && !draws.once_in(10))?.duration;
        let (width, height) = self.frame(note);
        let (file, sign, expires) = (draws.hex(40), draws.hex(32), self.0.now() + EXPIRES_AFTER);
        let mut stream = |codec: &str, number: u64| {
            let link = |host: u64| {
                format!(
                    "http://sns-v{host}.sandbox.invalid/stream/1/110/{number}/{file}_{number}.mp4?sign={sign}&t={expires:x}"
                )
            };
            let bitrate = 600_000 + draws.below(1_800_000);
            json!({
                "stream_type": number, "video_codec": codec, "format": "mp4", "quality_type": "HD", "weight": 62, "fps": 30,
                "width": width, "height": height, "rotate": 0, "duration": duration, "video_duration": duration,
                "size": bitrate * duration / 8000, "avg_bitrate": bitrate, "video_bitrate": bitrate - 64_000,
                "audio_codec": "aac", "audio_bitrate": 64_000, "audio_channels": 2, "audio_duration": duration,
                "stream_desc": format!("WM_X{number}_MP4"), "default_stream": 0, "hdr_type": 0, "volume": 0, "vmaf": -1,
                "psnr": 0, "ssim": 0, "master_url": link(10), "backup_urls": [link(3), link(5)],
            })
        };
        let (h264, h265) = (stream("h264", 258), stream("hevc", 114));
        // Some have only the newer codec.
        let h264 = if draws.once_in(8) { vec![] } else { vec![h264] };
        let thumbnail = self.cover(note, 540);
        Some(json!({
            "capa": {"is_user_select": false, "is_upload": false, "frame_ts": 0, "duration": duration / 1000},
            "consumer": {"can_super_resolution": false},
            "image": {"thumbnail": thumbnail, "thumbnail_dim": thumbnail, "first_frame": self.cover(note, 1080)},
            "media": {
                "user_level": 0,
                "video_id": draws.next() >> 6,
                "video": {
                    "drm_type": 0,
                    "biz_name": 110,
                    "biz_id": (draws.next() >> 6).to_string(),
                    "width": width,
                    "height": height,
                    "duration": duration.div_ceil(1000),
                    "stream_types": [258, 114],
                    "subtitles": {},
                    "opaque1": {"domestic": "0", "isSupportSubtitle": "false", "amend_mobile": "40"},
                },
                "stream": {"h264": h264, "h265": [h265], "av1": []},
            },
        }))
    }
}

struct Image<L> {
    file: String,
    width: u32,
    height: u32,
    link: L,
}

"""msgspec + pyarrow: bodies decoded into typed structures, columns filled in Python."""

import gc
from pathlib import Path
from typing import Optional

import msgspec

import arrow_tables
from peer import places, threads


class Struct(msgspec.Struct, gc=False):
    pass


class User(Struct):
    userid: Optional[str] = None
    nickname: Optional[str] = None


class Image(Struct):
    fileid: Optional[str] = None
    url: Optional[str] = None
    original: Optional[str] = None
    width: Optional[int] = None
    height: Optional[int] = None


class Tag(Struct):
    id: Optional[str] = None
    name: Optional[str] = None
    type: Optional[str] = None


class Sound(Struct):
    sound_id: Optional[str] = None
    name: Optional[str] = None


class Share(Struct):
    link: str = ""


class Stream(Struct):
    master_url: Optional[str] = None
    duration: Optional[int] = None
    width: Optional[int] = None
    height: Optional[int] = None


class Streams(Struct):
    h264: list[Stream] = []
    h265: list[Stream] = []


class Media(Struct):
    stream: Optional[Streams] = None


class Video(Struct):
    media: Optional[Media] = None


class Note(Struct):
    id: str
    user: User
    share_info: Share
    time: int
    type: Optional[str] = None
    title: Optional[str] = None
    desc: Optional[str] = None
    last_update_time: int = 0
    ip_location: Optional[str] = None
    text_language_code: Optional[str] = None
    liked_count: Optional[int] = None
    collected_count: Optional[int] = None
    comments_count: Optional[int] = None
    shared_count: Optional[int] = None
    images_list: list[Image] = []
    hash_tag: list[Tag] = []
    native_voice_info: Optional[Sound] = None
    video_info_v2: Optional[Video] = None


class Element(Struct):
    note_list: list[Note]


class Body(Struct):
    data: list[Element]


NO_STREAM, NO_SOUND, NO_IMAGE = Stream(), Sound(), Image()


def stream(note):
    if note.video_info_v2 is None or note.video_info_v2.media is None or note.video_info_v2.media.stream is None:
        return NO_STREAM
    streams = note.video_info_v2.media.stream
    return next(iter(streams.h264 or streams.h265), NO_STREAM)


def row(seen, note, month):
    video, sound = stream(note), note.native_voice_info or NO_SOUND
    cover = note.images_list[0] if note.images_list else NO_IMAGE
    return (
        note.id, note.user.userid, note.user.nickname, "image" if note.type == "normal" else note.type,
        note.title or None, note.desc or None, note.time * 1_000_000, note.last_update_time * 1_000_000 or None,
        note.ip_location or None, note.text_language_code, note.liked_count, note.collected_count,
        note.comments_count, note.shared_count,
        len(note.images_list), [tag.name for tag in note.hash_tag], cover.url, cover.width, cover.height,
        video.duration, video.master_url, video.width, video.height, sound.sound_id, sound.name,
        note.share_info.link.partition("?")[0], seen, month,
    )


def main():
    segments, out = places()
    # Nothing here is garbage before the end.
    gc.disable()
    arrow_tables.pa.set_cpu_count(threads())
    decode = msgspec.json.Decoder(Body).decode
    newest = {}
    for batch in arrow_tables.bodies(Path(segments).parent.glob("*.parquet")):
        for seen, body in batch:
            note = decode(body).data[0].note_list[0]
            known = newest.get(note.id)
            if known is None or known[0] < seen:
                newest[note.id] = (seen, note)
    notes, images, tags = [], [], []
    for note_id in sorted(newest):
        seen, note = newest[note_id]
        month = arrow_tables.month(note.time)
        notes.append(row(seen, note, month))
        for at, image in enumerate(note.images_list):
            images.append((note_id, at, image.fileid, image.url, image.original, image.width, image.height, month))
        for at, tag in enumerate(note.hash_tag):
            tags.append((note_id, at, tag.id, tag.name, tag.type, month))
    arrow_tables.write(out, "notes", notes)
    arrow_tables.write(out, "note_images", images)
    arrow_tables.write(out, "note_hashtags", tags)


main()

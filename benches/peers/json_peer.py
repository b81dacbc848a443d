"""json + pyarrow: the loop that a notebook has."""

import json
from pathlib import Path

import arrow_tables
from peer import places, threads


def stream(note):
    streams = note.get("video_info_v2", {}).get("media", {}).get("stream", {})
    return next(iter(streams.get("h264") or streams.get("h265") or []), {})


def row(seen, note, month):
    video, sound, images = stream(note), note.get("native_voice_info", {}), note["images_list"]
    cover = images[0] if images else {}
    return (
        note["id"], note["user"]["userid"], note["user"]["nickname"],
        "image" if note["type"] == "normal" else note["type"], note["title"] or None, note["desc"] or None,
        note["time"] * 1_000_000, note["last_update_time"] * 1_000_000 or None, note.get("ip_location") or None,
        note["text_language_code"], note["liked_count"], note["collected_count"], note["comments_count"],
        note["shared_count"], len(images), [tag["name"] for tag in note["hash_tag"]], cover.get("url"),
        cover.get("width"), cover.get("height"), video.get("duration"), video.get("master_url"),
        video.get("width"), video.get("height"), sound.get("sound_id"), sound.get("name"),
        note["share_info"]["link"].partition("?")[0], seen, month,
    )


def main():
    segments, out = places()
    arrow_tables.pa.set_cpu_count(threads())
    newest = {}
    for batch in arrow_tables.bodies(Path(segments).parent.glob("*.parquet")):
        for seen, body in batch:
            note = json.loads(body)["data"][0]["note_list"][0]
            known = newest.get(note["id"])
            if known is not None and known[0] >= seen:
                continue
            month = arrow_tables.month(note["time"])
            images, tags = [], []
            for at, image in enumerate(note["images_list"]):
                size = image["width"], image["height"]
                images.append((note["id"], at, image["fileid"], image["url"], image["original"], *size, month))
            for at, tag in enumerate(note["hash_tag"]):
                tags.append((note["id"], at, tag["id"], tag["name"], tag["type"], month))
            newest[note["id"]] = (seen, row(seen, note, month), images, tags)
    known = [newest[note_id] for note_id in sorted(newest)]
    arrow_tables.write(out, "notes", [row for _, row, _, _ in known])
    arrow_tables.write(out, "note_images", [row for _, _, rows, _ in known for row in rows])
    arrow_tables.write(out, "note_hashtags", [row for _, _, _, rows in known for row in rows])


main()

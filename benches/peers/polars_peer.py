"""polars: bodies decoded once with a typed schema, then three partitioned files."""

import os

from peer import places, threads

os.environ["POLARS_MAX_THREADS"] = str(threads())

import polars as pl  # noqa: E402

TEXT, BIG, SMALL = pl.String, pl.Int64, pl.Int32
STREAM = pl.List(pl.Struct({"master_url": TEXT, "duration": BIG, "width": SMALL, "height": SMALL}))
IMAGE = pl.Struct({"fileid": TEXT, "url": TEXT, "original": TEXT, "width": SMALL, "height": SMALL})
NOTE = pl.Struct({
    "id": TEXT, "title": TEXT, "desc": TEXT, "type": TEXT, "time": BIG, "last_update_time": BIG, "ip_location": TEXT,
    "text_language_code": TEXT, "liked_count": BIG, "collected_count": BIG, "comments_count": BIG, "shared_count": BIG,
    "user": pl.Struct({"userid": TEXT, "nickname": TEXT}),
    "images_list": pl.List(IMAGE),
    "hash_tag": pl.List(pl.Struct({"id": TEXT, "name": TEXT, "type": TEXT})),
    "native_voice_info": pl.Struct({"sound_id": TEXT, "name": TEXT}),
    "share_info": pl.Struct({"link": TEXT}),
    "video_info_v2": pl.Struct({"media": pl.Struct({"stream": pl.Struct({"h264": STREAM, "h265": STREAM})})}),
})
BODY = pl.Struct({"data": pl.List(pl.Struct({"note_list": pl.List(NOTE)}))})


def field(*path):
    expression = pl.col(path[0])
    for name in path[1:]:
        expression = expression.struct.field(name)
    return expression


def blank(expression):
    return expression.replace("", None)


def moment(expression):
    return pl.from_epoch(expression, time_unit="s").cast(pl.Datetime("us", "UTC"))


segments, out = places()
answers = pl.scan_parquet(segments).filter(endpoint="note_detail", outcome="ok", body_encoding="utf8")
decoded = pl.col("body").str.json_decode(BODY).struct.field("data").list.first().struct.field("note_list").list.first()
newest = (
    answers.select("observed_at", decoded.alias("n"))
    .unnest("n")
    .sort("id", "observed_at")
    .unique("id", keep="last", maintain_order=True)
    .with_columns(published_month=moment(pl.col("time")).dt.strftime("%Y-%m"))
    .collect(engine="streaming")
)
streams = field("video_info_v2", "media", "stream")
video = pl.coalesce(streams.struct.field("h264").list.first(), streams.struct.field("h265").list.first())
cover = pl.col("images_list").list.first()
notes = newest.select(
    "published_month", note_id="id", author_id=field("user", "userid"),
    author_nickname=field("user", "nickname"), note_type=pl.col("type").replace("normal", "image"),
    title=blank(pl.col("title")), description=blank(pl.col("desc")),
    published_at=moment(pl.col("time")), updated_at=moment(pl.col("last_update_time").replace(0, None)),
    ip_location=blank(pl.col("ip_location")), language="text_language_code", liked_count="liked_count",
    collected_count="collected_count", comment_count="comments_count", share_count="shared_count",
    image_count=pl.col("images_list").list.len().cast(SMALL),
    hashtags=pl.col("hash_tag").list.eval(pl.element().struct.field("name")),
    cover_url=cover.struct.field("url"), cover_width=cover.struct.field("width"),
    cover_height=cover.struct.field("height"), video_duration_ms=video.struct.field("duration"),
    video_url=video.struct.field("master_url"),
    video_width=video.struct.field("width"), video_height=video.struct.field("height"),
    sound_id=field("native_voice_info", "sound_id"), sound_name=field("native_voice_info", "name"),
    share_url=field("share_info", "link").str.split("?").list.first(), content_observed_at="observed_at",
)


def children(column):
    """One row for each element of a list, with its place."""
    places = pl.int_ranges(0, pl.col(column).list.len(), dtype=SMALL).alias("position")
    lists = newest.select("published_month", "id", column, places).filter(pl.col(column).list.len() > 0)
    return lists.explode(column, "position")


images = children("images_list").unnest("images_list").select(
    "published_month", "position", note_id="id", file_id="fileid", url="url", original_url="original", width="width",
    height="height",
)
tags = children("hash_tag").select(
    "published_month", "position", note_id="id", hashtag_id=field("hash_tag", "id"), name=field("hash_tag", "name"),
    kind=field("hash_tag", "type"),
)
for table, rows in {"notes": notes, "note_images": images, "note_hashtags": tags}.items():
    rows.write_parquet(out / table, compression="zstd", partition_by="published_month")

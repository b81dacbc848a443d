"""chDB: bodies parsed once into a typed tuple, then three partitioned inserts."""

from chdb import session

from peer import places, threads

STREAM = "Array(Tuple(master_url String, duration Int64, width Int32, height Int32))"
NOTE = f"""Tuple(
    id String, title String, desc String, type String, time Int64, last_update_time Int64, ip_location String,
    text_language_code String, liked_count Int64, collected_count Int64, comments_count Int64, shared_count Int64,
    user Tuple(userid String, nickname String),
    images_list Array(Tuple(fileid String, url String, original String, width Int32, height Int32)),
    hash_tag Array(Tuple(id String, name String, type String)),
    native_voice_info Tuple(sound_id String, name String),
    share_info Tuple(link String),
    video_info_v2 Tuple(media Tuple(stream Tuple(h264 {STREAM}, h265 {STREAM}))))"""
NOTE = " ".join(NOTE.split())

segments, out = places()
db = session.Session()
db.query(f"SET max_threads = {threads()}, output_format_parquet_compression_method = 'zstd'")
db.query(f"""
    CREATE TABLE newest ENGINE = Memory AS
    SELECT n, observed_at AS seen,
           formatDateTime(toDateTime(n.time, 'UTC'), '%Y-%m') AS published_month,
           if(empty(n.video_info_v2.media.stream.h264), n.video_info_v2.media.stream.h265,
              n.video_info_v2.media.stream.h264)[1] AS video
    FROM (
        SELECT observed_at, JSONExtract(assumeNotNull(body), 'data', 1, 'note_list', 1, '{NOTE}') AS n
        FROM file('{segments}', Parquet)
        WHERE endpoint = 'note_detail' AND outcome = 'ok' AND body_encoding = 'utf8'
    ) ORDER BY n.id, observed_at DESC LIMIT 1 BY n.id""")
tables = {
    "notes": """n.id AS note_id, n.user.userid AS author_id, n.user.nickname AS author_nickname,
        if(n.type = 'normal', 'image', n.type) AS note_type, nullIf(n.title, '') AS title,
        nullIf(n.desc, '') AS description,
        toDateTime64(n.time, 6, 'UTC') AS published_at,
        toDateTime64(nullIf(n.last_update_time, 0), 6, 'UTC') AS updated_at,
        nullIf(n.ip_location, '') AS ip_location, n.text_language_code AS language, n.liked_count AS liked_count,
        n.collected_count AS collected_count, n.comments_count AS comment_count, n.shared_count AS share_count,
        toInt32(length(n.images_list)) AS image_count, n.hash_tag.name AS hashtags, n.images_list[1].url AS cover_url,
        nullIf(n.images_list[1].width, 0) AS cover_width, nullIf(n.images_list[1].height, 0) AS cover_height,
        nullIf(video.duration, 0) AS video_duration_ms, nullIf(video.master_url, '') AS video_url,
        nullIf(video.width, 0) AS video_width, nullIf(video.height, 0) AS video_height,
        nullIf(n.native_voice_info.sound_id, '') AS sound_id, nullIf(n.native_voice_info.name, '') AS sound_name,
        cutQueryString(n.share_info.link) AS share_url, seen AS content_observed_at FROM newest""",
    "note_images": """n.id AS note_id, toInt32(at - 1) AS position, image.fileid AS file_id, image.url AS url,
        image.original AS original_url, image.width AS width, image.height AS height
        FROM newest ARRAY JOIN n.images_list AS image, arrayEnumerate(n.images_list) AS at""",
    "note_hashtags": """n.id AS note_id, toInt32(at - 1) AS position, tag.id AS hashtag_id, tag.name AS name,
        tag.type AS kind
        FROM newest ARRAY JOIN n.hash_tag AS tag, arrayEnumerate(n.hash_tag) AS at""",
}
for table, query in tables.items():
    db.query(f"""INSERT INTO FUNCTION file('{out / table}/published_month={{_partition_id}}/0.parquet', Parquet)
        PARTITION BY published_month SELECT published_month, {query}""")
db.close()

"""DuckDB: bodies parsed once into a typed structure, then three partitioned copies."""

import duckdb

from peer import places, threads

STREAM = '[{"master_url":"VARCHAR","duration":"BIGINT","width":"INTEGER","height":"INTEGER"}]'
NOTE = f"""{{
  "id":"VARCHAR","title":"VARCHAR","desc":"VARCHAR","type":"VARCHAR","time":"BIGINT","last_update_time":"BIGINT",
  "ip_location":"VARCHAR","text_language_code":"VARCHAR",
  "liked_count":"BIGINT","collected_count":"BIGINT","comments_count":"BIGINT","shared_count":"BIGINT",
  "user":{{"userid":"VARCHAR","nickname":"VARCHAR"}},
  "images_list":[{{"fileid":"VARCHAR","url":"VARCHAR","original":"VARCHAR","width":"INTEGER","height":"INTEGER"}}],
  "hash_tag":[{{"id":"VARCHAR","name":"VARCHAR","type":"VARCHAR"}}],
  "native_voice_info":{{"sound_id":"VARCHAR","name":"VARCHAR"}},
  "share_info":{{"link":"VARCHAR"}},
  "video_info_v2":{{"media":{{"stream":{{"h264":{STREAM},"h265":{STREAM}}}}}}}
}}"""
BODY = f'{{"data":[{{"note_list":[{NOTE}]}}]}}'


def blank(name):
    return f"nullif({name}, '')"


segments, out = places()
db = duckdb.connect()
db.execute(f"SET threads = {threads()}; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
db.execute(f"""
    CREATE TEMP TABLE newest AS
    SELECT n, seen, strftime(make_timestamp(n.time * 1000000), '%Y-%m') AS published_month,
           coalesce(n.video_info_v2.media.stream.h264[1], n.video_info_v2.media.stream.h265[1]) AS video
    FROM (
        SELECT n, observed_at AS seen
        FROM (
            SELECT from_json(body, '{BODY}').data[1].note_list[1] AS n, observed_at
            FROM read_parquet('{segments}')
            WHERE endpoint = 'note_detail' AND outcome = 'ok' AND body_encoding = 'utf8'
        ) QUALIFY row_number() OVER (PARTITION BY n.id ORDER BY observed_at DESC) = 1
    ) ORDER BY n.id""")
tables = {
    "notes": f"""SELECT n.id AS note_id, n.user.userid AS author_id, n.user.nickname AS author_nickname,
        CASE n.type WHEN 'normal' THEN 'image' ELSE n.type END AS note_type, {blank("n.title")} AS title,
        {blank('n."desc"')} AS description, make_timestamptz(n.time * 1000000) AS published_at,
        make_timestamptz(nullif(n.last_update_time, 0) * 1000000) AS updated_at,
        {blank("n.ip_location")} AS ip_location, n.text_language_code AS language, n.liked_count,
        n.collected_count, n.comments_count AS comment_count, n.shared_count AS share_count,
        CAST(len(n.images_list) AS INTEGER) AS image_count,
        list_transform(n.hash_tag, lambda tag: tag.name) AS hashtags, n.images_list[1].url AS cover_url,
        n.images_list[1].width AS cover_width, n.images_list[1].height AS cover_height,
        video.duration AS video_duration_ms, video.master_url AS video_url, video.width AS video_width,
        video.height AS video_height, n.native_voice_info.sound_id AS sound_id, n.native_voice_info.name AS sound_name,
        split_part(n.share_info.link, '?', 1) AS share_url, seen AS content_observed_at, published_month FROM newest""",
    "note_images": """SELECT note_id, CAST(position - 1 AS INTEGER) AS position, image.fileid AS file_id,
        image.url AS url, image.original AS original_url, image.width AS width, image.height AS height, published_month
        FROM (SELECT n.id AS note_id, published_month, unnest(n.images_list) AS image,
                     generate_subscripts(n.images_list, 1) AS position FROM newest)""",
    "note_hashtags": """SELECT note_id, CAST(position - 1 AS INTEGER) AS position, tag.id AS hashtag_id,
        tag.name AS name, tag.type AS kind, published_month
        FROM (SELECT n.id AS note_id, published_month, unnest(n.hash_tag) AS tag,
                     generate_subscripts(n.hash_tag, 1) AS position FROM newest)""",
}
for table, query in tables.items():
    db.execute(f"""COPY ({query}) TO '{out / table}'
        (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (published_month), OVERWRITE_OR_IGNORE)""")

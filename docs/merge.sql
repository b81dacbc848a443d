-- The merge rule: every table of a snapshot, from the observations of all answers, in DuckDB.
--
-- `observed_notes`, `observed_authors`, `observed_hits`, `observed_calls` and `observed_rejects` are the files in
-- `.cache/observations/*/` of a dataset; docs/observations.md shows how to open them. `.ci/run` compares each view below
-- with its table, row for row.

-- The greatest place is the newest observation; within one answer, the first on the page.
CREATE OR REPLACE MACRO place_of(o) AS row(o.sequence, o.observed_at, o.call_key, -o.position);
-- A rounded count stands for every exact count less than one unit away; a lower bound for all up to its tenfold.
CREATE OR REPLACE MACRO rounds(rounded, exact) AS
    CASE rounded.unit WHEN 0 THEN exact.value >= rounded.value AND exact.value // 10 <= rounded.value
                      ELSE abs(exact.value - rounded.value) < rounded.unit END;
-- The newest count; but the exact one if the newest is a rounded spelling of it.
CREATE OR REPLACE MACRO shown(exact, exact_place, rounded, rounded_place) AS
    CASE WHEN rounded IS NULL THEN exact
         WHEN exact IS NULL THEN rounded
         WHEN rounded_place > exact_place AND NOT rounds(rounded, exact) THEN rounded
         ELSE exact END;
CREATE OR REPLACE MACRO newest(c, place) AS
    shown(arg_max(c, place) FILTER (c.unit = 1), max(place) FILTER (c.unit = 1),
          arg_max(c, place) FILTER (c.unit <> 1), max(place) FILTER (c.unit <> 1));
-- A count of a profile; the newest exact one if the profile has a rounded spelling of it.
CREATE OR REPLACE MACRO exact_or(count, exact) AS
    CASE WHEN exact IS NOT NULL AND rounds(count, exact) THEN exact.value ELSE count.value END;

CREATE OR REPLACE VIEW note_ranks AS
SELECT o, o.note_id AS note_id, o.presence AS presence, place_of(o) AS place,
       row(CASE o.source WHEN 'detail' THEN 2 WHEN 'user_notes' THEN 1 ELSE 0 END, place_of(o)) AS rank
FROM observed_notes AS o WHERE o.is_admitted;

-- Of each group of columns the observation that wins: content and facts by (kind of answer, place), all others by place.
CREATE OR REPLACE VIEW note_winners AS
SELECT note_id,
       arg_max(o, rank) FILTER (presence = 'shown') AS content,
       arg_max(o.author_id, rank) FILTER (o.author_id IS NOT NULL) AS author_id,
       arg_max(o.published_at, rank) FILTER (o.published_at IS NOT NULL) AS published_at,
       arg_max(o.updated_at, rank) FILTER (o.updated_at IS NOT NULL) AS updated_at,
       arg_max(o, place) FILTER (presence = 'shown' AND o.source <> 'detail') AS listing,
       newest(o.liked_count, place) AS liked,
       newest(o.collected_count, place) AS collected,
       newest(o.comment_count, place) AS commented,
       newest(o.share_count, place) AS shared,
       arg_max(o.observed_at, place) FILTER (
           coalesce(o.liked_count, o.collected_count, o.comment_count, o.share_count) IS NOT NULL) AS counts_observed_at,
       arg_max(presence, place) FILTER (presence <> 'empty') AS presence,
       max(place) FILTER (presence <> 'empty') AS place,
       arg_min(o.observed_at, row(o.sequence, o.observed_at)) FILTER (presence <> 'empty') AS first_seen_at,
       arg_max(o.observed_at, row(o.sequence, o.observed_at)) FILTER (presence <> 'empty') AS last_seen_at
FROM note_ranks GROUP BY note_id;

-- Three empty details in the three newest runs that asked, and no later answer that shows the note: it is gone.
CREATE OR REPLACE VIEW note_empties AS
SELECT note_id, list(place ORDER BY place DESC)[3] AS third
FROM (SELECT note_id, max(place) AS place FROM note_ranks WHERE presence = 'empty' GROUP BY note_id, o.run_id)
GROUP BY note_id;

CREATE OR REPLACE VIEW merged_notes AS
SELECT note_id, author_id, content.author_nickname, content.note_type, content.title, content.description,
       content.description_is_truncated, published_at, updated_at, content.ip_location, content.language,
       liked.value AS liked_count, collected.value AS collected_count, commented.value AS comment_count,
       shared.value AS share_count,
       list_bool_or(list_filter([liked.unit, collected.unit, commented.unit, shared.unit], lambda unit: unit IS NOT NULL)
                    .list_transform(lambda unit: unit <> 1)) AS counts_are_approximate,
       content.image_count,
       CASE WHEN content IS NOT NULL THEN list_filter(names, lambda name, i: list_position(names, name) = i) END AS hashtags,
       content.cover_url, content.cover_width, content.cover_height, content.video_duration_ms, content.video_url,
       content.video_width, content.video_height, content.sound_id, content.sound_name, content.share_url,
       listing.is_pinned AS is_sticky, listing.xsec_token,
       gone_reason IS NOT NULL AS is_gone, gone_reason,
       content.source AS content_source, content.observed_at AS content_observed_at, counts_observed_at,
       first_seen_at, last_seen_at
FROM (SELECT *, list_filter(list_transform(content.hashtags, lambda tag: tag.name), lambda name: name IS NOT NULL) AS names,
             CASE WHEN presence = 'gone' THEN 'stated' WHEN third > place THEN 'empty' END AS gone_reason
      FROM note_winners LEFT JOIN note_empties USING (note_id) WHERE presence IS NOT NULL);

CREATE OR REPLACE VIEW merged_note_images AS
SELECT note_id, image.position, image.file_id, image.url, image.large_url, image.original_url, image.width, image.height,
       image.expires_at
FROM (SELECT note_id, unnest(content.images) AS image FROM note_winners);

CREATE OR REPLACE VIEW merged_note_hashtags AS
SELECT note_id, (i - 1)::INTEGER AS position, tag.hashtag_id, tag.name, tag.kind
FROM (SELECT note_id, unnest(content.hashtags) AS tag, generate_subscripts(content.hashtags, 1) AS i FROM note_winners);

CREATE OR REPLACE VIEW merged_note_mentions AS
SELECT note_id, mention.position, mention.user_id, mention.nickname
FROM (SELECT note_id, unnest(content.mentions) AS mention FROM note_winners);

-- A profile beats what notes show of the author; the winner is taken whole.
CREATE OR REPLACE VIEW author_ranks AS
SELECT o, o.author_id AS author_id, row((o.source = 'profile')::INTEGER, place_of(o)) AS rank
FROM observed_authors AS o WHERE o.is_admitted;

CREATE OR REPLACE VIEW author_winners AS
SELECT author_id, arg_max(o, rank) AS profile,
       arg_max(o.fans_count, rank) FILTER (o.fans_count.unit = 1) AS fans,
       arg_max(o.following_count, rank) FILTER (o.following_count.unit = 1) AS following,
       arg_max(o.liked_count, rank) FILTER (o.liked_count.unit = 1) AS liked,
       arg_max(o.collected_count, rank) FILTER (o.collected_count.unit = 1) AS collected,
       arg_max(o.interaction_count, rank) FILTER (o.interaction_count.unit = 1) AS interactions,
       arg_max(o.notes_count, rank) FILTER (o.notes_count.unit = 1) AS notes,
       arg_min(o.observed_at, row(o.sequence, o.observed_at)) AS first_seen_at,
       arg_max(o.observed_at, row(o.sequence, o.observed_at)) AS last_seen_at
FROM author_ranks GROUP BY author_id;

CREATE OR REPLACE VIEW merged_authors AS
SELECT author_id, profile.red_id, profile.nickname, profile.description, profile.gender, profile.location,
       profile.ip_location,
       exact_or(profile.fans_count, fans) AS fans_count,
       exact_or(profile.following_count, following) AS follows_count,
       exact_or(profile.liked_count, liked) AS liked_count,
       exact_or(profile.collected_count, collected) AS collected_count,
       exact_or(profile.interaction_count, interactions) AS interaction_count,
       exact_or(profile.notes_count, notes) AS notes_count,
       profile.is_verified, profile.verified_content, profile.avatar_url, profile.banner_url, profile.share_url,
       -- The first 8 digits of an id of 24 hex digits are a second.
       CASE WHEN regexp_full_match(author_id, '[0-9a-fA-F]{24}') THEN to_timestamp(('0x' || author_id[1:8])::BIGINT) END
           AS registered_at,
       profile.source AS profile_source, profile.observed_at AS profile_observed_at, first_seen_at, last_seen_at
FROM author_winners;

CREATE OR REPLACE VIEW merged_author_tags AS
SELECT author_id, tag.position, tag.kind, tag.name
FROM (SELECT author_id, unnest(profile.tags) AS tag FROM author_winners);

-- The tables that only grow: each observation once, whatever number of times it was extracted.
CREATE OR REPLACE VIEW merged_search_hits AS
SELECT DISTINCT seed, keyword, sort, note_type, published, page, position, note_id, observed_at, run_id
FROM observed_hits WHERE is_admitted;

CREATE OR REPLACE VIEW merged_note_metrics AS
SELECT note_id, observed_at, source, sequence, liked_count.value AS liked_count, collected_count.value AS collected_count,
       comment_count.value AS comment_count, share_count.value AS share_count,
       coalesce(liked_count.unit <> 1, false) OR coalesce(collected_count.unit <> 1, false)
           OR coalesce(comment_count.unit <> 1, false) OR coalesce(share_count.unit <> 1, false) AS is_approximate
FROM observed_notes
WHERE is_admitted AND coalesce(liked_count, collected_count, comment_count, share_count) IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY note_id, observed_at, source, sequence ORDER BY position) = 1;

CREATE OR REPLACE VIEW merged_author_metrics AS
SELECT author_id, observed_at, source, sequence, fans_count.value AS fans_count, following_count.value AS follows_count,
       liked_count.value AS liked_count, collected_count.value AS collected_count,
       interaction_count.value AS interaction_count, notes_count.value AS notes_count,
       coalesce(fans_count.unit <> 1, false) OR coalesce(following_count.unit <> 1, false)
           OR coalesce(liked_count.unit <> 1, false) OR coalesce(collected_count.unit <> 1, false)
           OR coalesce(interaction_count.unit <> 1, false) OR coalesce(notes_count.unit <> 1, false) AS is_approximate
FROM observed_authors
WHERE is_admitted AND coalesce(fans_count, following_count, liked_count, collected_count, interaction_count, notes_count)
    IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY author_id, observed_at, source, sequence ORDER BY position) = 1;

CREATE OR REPLACE VIEW merged_calls AS
SELECT DISTINCT run_id, call_key, provider AS vendor, endpoint, params, observed_at, sequence, outcome,
       provider_code AS vendor_code, http_status, attempts, latency_ms, body_bytes, billed, cost
FROM observed_calls;

CREATE OR REPLACE VIEW merged_rejects AS
SELECT DISTINCT run_id, call_key, path, reason FROM observed_rejects WHERE is_admitted;

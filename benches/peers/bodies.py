"""Made-up answers about notes, in the shape and size of Just One API's. The same id always gives the same body.

All people, words, files and addresses are made up; hosts end in `.invalid`.
"""

import functools
import itertools
import json
import random

HOST = "bench.invalid"
# How long a link holds after the note was published.
HOLDS = 90 * 86_400
FIRST = 1_690_848_000  # 2023-08-01
SPAN = 730 * 86_400

WORDS = (
    "防晒 露营 咖啡 通勤 敏感肌 平价 攻略 测评 夏天 周末 推荐 分享 今天 真的 非常 喜欢 一个 我们 大家 姐妹 可以 没有 时候 "
    "这款 颜色 质地 味道 价格 店铺 地址 预约 排队 拍照 角度 光线 海边 日落 山里 徒步 骑行 公园 展览 书店 早餐 晚饭 火锅 "
    "面包 甜品 奶茶 减脂 健身 瑜伽 跑步 睡眠 护肤 精华 面霜 口红 眼影 底妆 卸妆 头发 发型 穿搭 裙子 外套 鞋子 包包 配饰 "
    "收纳 厨房 客厅 装修 租房 搬家 猫咪 狗狗 植物 阳台 学习 笔记 考试 英语 手帐 文具 电脑 手机 相机 镜头 软件 效率 工作 "
    "上班 下班 地铁 高铁 机票 酒店 民宿 行程 预算 省钱 避雷 踩坑 干货 教程 步骤 材料 方法 经验 总结 记录 日常 生活 朋友 "
    "家人 孩子 宝宝 妈妈 礼物 生日 旅行 成都 上海 杭州 广州 厦门 云南 新疆 西安 北京 春天 秋天 冬天 下雨 晴天 温柔 "
    "治愈 惊喜 后悔 值得 适合 简单 高级 显白 显瘦 百搭 小众 氛围 原来 终于 突然 其实 虽然 但是 因为 所以 如果 而且 已经"
).split()
# Common words stand often, rare ones rarely, as in any text.
WEIGHTS = list(itertools.accumulate(1 / (at + 3) for at in range(len(WORDS))))
MARKS = ["，", "。", "！", "\n", "～", "✨", "🌿", " "]
PLACES = ["浙江", "上海", "广东", "北京", "四川", "福建", "", None]
SIZES = [(1080, 1440), (1080, 1920), (1280, 1707), (1440, 1080)]
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
WIDGETS = [
    "guos_test note_next_step second_jump_bar cooperate_binds note_collection rec_next_infos image_stickers "
    "image_filters product_review related_search cooperate_comment_component image_goods_cards ads_goods_cards "
    "ads_comment_component",
    "guos_test vote_stickers bullet_comment_lead note_search_box interact_pk interact_vote guide_heuristic "
    "share_to_msg follow_guide note_share_prompt_v1 sync_group group_share share_guide_bubble "
    "widgets_share guide_navigator",
]
WIDGETS = [line.split() for line in WIDGETS]


def ids(count, seed, first=FIRST, span=SPAN):
    """Lists ids of notes: their first 8 hex digits are the second of publication."""
    draws = random.Random(seed)
    return [f"{first + draws.randrange(span):08x}00000000{draws.getrandbits(32):08x}" for _ in range(count)]


def text(draws, length):
    words = draws.choices(WORDS, cum_weights=WEIGHTS, k=length)
    # Names and rare words: what no dictionary has.
    for _ in range(length // 4):
        words[draws.randrange(length)] = "".join(chr(0x4E00 + draws.randrange(0x2000)) for _ in range(2))
    for _ in range(length // 5):
        words[draws.randrange(length)] += draws.choice(MARKS)
    return "".join(words).strip() or "x"


def file_id(draws):
    number, digits = draws.getrandbits(160), []
    for _ in range(31):
        number, digit = divmod(number, 36)
        digits.append(BASE36[digit])
    return "1040g0083" + "".join(digits)


@functools.cache
def user(number, mentioned=False):
    draws = random.Random(number)
    uid = f"5c2f338a{draws.getrandbits(32):08x}{number:08x}"
    name = text(draws, 2)
    told = {
        "name": name, "nickname": name, "id": uid, "followed": False, "red_official_verified": False,
        "red_official_verify_type": 0, "show_red_official_verify_icon": False, "level": {"image": ""},
        "track_duration": 0,
    }
    if not mentioned:
        told |= {
            "userid": uid, "red_id": str(draws.randrange(10**8, 10**9)), "fstatus": "none",
            "image": f"https://sns-avatar.{HOST}/avatar/{file_id(draws)}?imageView2/2/w/120/format/jpg",
        }
    return told


def image(draws, position, size, expires):
    file, sign, host = file_id(draws), f"{draws.getrandbits(128):032x}", draws.randrange(12)
    width, height = size

    def link(view, kind):
        return (
            f"https://sns-i{host}.{HOST}/{file}?imageView2/2/w/{view}&redImage/frame/0&ap=1&sc={kind}"
            f"&sign={sign}&t={expires:x}&src=A"
        )

    preview = link("576/format/heif/q/75|imageMogr2/strip", "V_PRV")
    return {
        "original": link("5000/h/5000/format/heif/q/56", "V_ORG"), "longitude": 0, "latitude": 0, "scale_to_large": 4,
        "url": link("576/format/heif/q/58|imageMogr2/strip", "V_PRV"), "width": width, "height": height,
        "index": position, "trace_id": file, "fileid": file, "text_intention": 0,
        "url_multi_level": {"low": preview, "medium": preview, "high": preview},
        "need_load_original_image": True, "origin_img": {"height": height, "size": 0, "width": width},
    }


@functools.cache
def hash_tag(number):
    draws = random.Random(number)
    tag = f"5bf8bd51{draws.getrandbits(48):012x}{number:04x}"
    link = f"xhsdiscover://rn/sns-discover/topic/normal?id={tag}&page_source=note_feed.click_new_big"
    return {
        "record_count": 0, "record_unit": "", "name": text(draws, 2) + chr(0x4E00 + number), "link": link,
        "record_emoji": "",
        "current_score": 0, "bizId": "", "tag_hint": "", "id": tag, "type": "topic",
    }


def topic(tag):
    return {
        "business_type": 0, "id": tag["id"], "name": tag["name"], "style": 0, "discuss_num": 0,
        "activity_online": False,
        "image": f"http://ci.{HOST}/{tag['id']}@r_120w_120h.jpg",
        "link": f"xhsdiscover://topic/v2/{tag['id']}?page_source=note_feed.click_new_big",
    }


def video(draws, size, duration, expires, cover):
    file, sign = f"{draws.getrandbits(160):040x}", f"{draws.getrandbits(128):032x}"
    width, height = size

    def stream(codec, number):
        bitrate = 600_000 + draws.randrange(1_800_000)

        def link(host):
            return f"http://sns-v{host}.{HOST}/stream/1/110/{number}/{file}_{number}.mp4?sign={sign}&t={expires:x}"

        return {
            "stream_type": number, "video_codec": codec, "format": "mp4", "quality_type": "HD", "weight": 62, "fps": 30,
            "width": width, "height": height, "rotate": 0, "duration": duration, "video_duration": duration,
            "size": bitrate * duration // 8000, "avg_bitrate": bitrate, "video_bitrate": bitrate - 64_000,
            "audio_codec": "aac", "audio_bitrate": 64_000, "audio_channels": 2, "audio_duration": duration,
            "stream_desc": f"WM_X{number}_MP4", "default_stream": 0, "hdr_type": 0, "volume": 0, "vmaf": -1, "psnr": 0,
            "ssim": 0, "master_url": link(10), "backup_urls": [link(3), link(5)],
        }

    # Some have only the newer codec.
    h264 = [] if draws.randrange(8) == 0 else [stream("h264", 258)]
    return {
        "capa": {"is_user_select": False, "is_upload": False, "frame_ts": 0, "duration": duration // 1000},
        "consumer": {"can_super_resolution": False},
        "image": {"thumbnail": cover, "thumbnail_dim": cover, "first_frame": cover},
        "media": {
            "user_level": 0, "video_id": draws.getrandbits(57),
            "video": {
                "drm_type": 0, "biz_name": 110, "biz_id": str(draws.getrandbits(57)), "width": width, "height": height,
                "duration": -(-duration // 1000), "stream_types": [258, 114], "subtitles": {},
                "opaque1": {"domestic": "0", "isSupportSubtitle": "false", "amend_mobile": "40"},
            },
            "stream": {"h264": h264, "h265": [stream("hevc", 114)], "av1": []},
        },
    }


def sound(draws, author, duration):
    file = f"{draws.getrandbits(128):032x}"
    return {
        "sound_id": str(10**18 + draws.randrange(10**18)), "name": f"{author['name']}的原声",
        "desc": f"@{author['name']}创作的原声", "duration": duration, "subtitle": f"{author['name']}的原声",
        "url": f"http://sns-v10.{HOST}/audio/1/{file}_0.wav", "use_count": 1, "sound_bg_music_type": 3,
        "cover": author["image"], "md5sum": file, "optimize_exp_in_use_count": 0,
    }


def note(note_id, asked):
    """The note as a detail shows it; its counts grow each time that it is asked."""
    draws = random.Random(note_id)
    second = int(note_id[:8], 16)
    expires, author, is_video = second + HOLDS, user(draws.randrange(1 << 14)), draws.randrange(5) < 2
    kind, size = ("video" if is_video else "normal"), draws.choice(SIZES)
    title, desc = text(draws, 3 + draws.randrange(8)), text(draws, 12 + draws.randrange(110))
    tags = [hash_tag(number) for number in draws.sample(range(3000), 1 + draws.randrange(4))]
    short = desc[:60]
    desc += " " + " ".join(f"#{tag['name']}[话题]#" for tag in tags)
    images = [image(draws, at, size, expires) for at in range(1 if is_video else 1 + draws.randrange(4))]
    cover = f"http://sns-img.{HOST}/{images[0]['fileid']}?imageView2/2/w/540/format/jpg/q/75"
    page = f"https://www.xiaohongshu.com/discovery/item/{note_id}"
    token = f"CB{draws.getrandbits(240):060x}"
    likes = int(draws.lognormvariate(5, 2)) + 17 * asked
    share = f"@{author['name']} 发了一篇笔记，快点来看吧！"
    program = {
        "path": f"pages/main/note/index?xsec_source=app_share&id={note_id}&type={kind}&xsec_token={token}",
        "title": share, "desc": short, "webpage_url": f"{page}?xsec_source=app_share", "thumb": cover,
        "share_title": share,
    }
    context = {"video": is_video, "origin_video_key": "", "flags": {"sound_track": is_video}, "author_id": author["id"],
               "author_name": author["name"], "q_task_id": "", "video_rec_bar_info": ""}
    told = {
        "hash_tag": tags, "user": author, "comments_count": likes // 20, "head_tags": [], "liked_users": [],
        "foot_tags": [], "biz_map": {}, "images_list": images, "time": second,
        "media_save_config": {"disable_watermark": False, "disable_weibo_cover": False, "disable_save": False},
        "mini_program_info": {"user_name": "gh_000000000001", **program}, "enable_brand_lottery": False,
        "topics": [topic(tag) for tag in tags[:1]], "collected_count": likes // 3, "shared_count": likes // 9,
        "enable_fls_related_cards": False, "privacy": {"type": 0, "show_tips": False, "nick_names": ""},
        "use_water_color": False, "widgets_groups": WIDGETS, "liked": False,
        "note_text_press_options": [{"key": "copy", "extra": ""}], "goods_info": {},
        "content_trans_info": {"strategy": 10}, "qq_mini_program_info": {"user_name": "gh_000000000002", **program},
        "feedback_info": {"dislike_status": 0}, "sticky": False, "red_envelope_note": False, "enable_co_produce": False,
        "last_update_time": second + 3600 if draws.randrange(4) == 0 else 0,
        "share_info": {
            "link": f"{page}?share_from_user_hidden=true&xsec_source=app_share&type={kind}&xsec_token={token}",
            "title": title, "is_star": False, "block_private_msg": False,
            "function_entries": [{"type": kind} for kind in ("generate_image", "copy_link", "dislike", "report")],
            "wechat_share_desc": f"@{author['name']} 的笔记\n{likes // 9}人分享", "content": short, "image": cover,
            "show_wechat_tag": False, "guide_audited": True,
        },
        "need_product_review": False, "has_co_produce": False, "liked_count": likes, "desc": desc, "view_count": 0,
        "function_switch": [{"type": f"{kind}_download", "enable": False, "reason": "作者已关闭下载权限，无法保存"}],
        "need_next_step": False, "type": kind, "seeded": False, "api_upgrade": -1, "id": note_id, "ats": [],
        "in_censor": False, "has_related_goods": False, "cooperate_binds": [], "title": title, "collected": False,
        "seeded_count": 0, "share_code_flag": 0, "countdown": 0, "model_type": "note", "has_music": is_video,
        "comment_prompt_config": {"placeholder_short": "说点什么...", "placeholder_long": "爱评论的人运气都不差",
                                  "forbidden_cmt_type": 0},
        "enable_fls_bridge_cards": False, "may_have_red_packet": False, "text_language_code": "zh",
    }
    place = draws.choice(PLACES)
    if place is not None:
        told["ip_location"] = place
    if draws.randrange(5) == 0:
        told["ats"] = [user(draws.randrange(1 << 14), mentioned=True)]
    if is_video:
        duration = draws.randrange(5_000, 300_000)
        told["native_voice_info"] = sound(draws, author, duration)
        context["note_sound_info"] = told["native_voice_info"]
        told["video_info_v2"] = video(draws, size, duration, expires, cover)
    told["widgets_context"] = json.dumps(context, ensure_ascii=False)
    return told


def detail(note_id, asked=0):
    """The whole answer to a call for a note in full."""
    shown = note(note_id, asked)
    data = [{"user": shown["user"], "note_list": [shown], "comment_list": [], "track_id": "", "model_type": "note"}]
    return encoded({"code": 0, "data": data})


def profile(user_id):
    """The whole answer to a call for a user."""
    draws = random.Random(user_id)
    told = user(draws.randrange(1 << 14)) | {"id": user_id, "userid": user_id}
    counts = {"fans": draws.randrange(10**6), "follows": draws.randrange(900), "ndiscovery": draws.randrange(900)}
    return encoded({"code": 0, "data": told | counts | {"desc": text(draws, 20)}})


def encoded(answer):
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

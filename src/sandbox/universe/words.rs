//! The words that made-up notes and people are made of.

use super::draws::Draws;

/// Topics with which notes are tagged.
pub(super) const TOPICS: &[&str] = &[
    "防晒",
    "护肤日常",
    "通勤穿搭",
    "小众旅行地",
    "家常菜",
    "减脂餐",
    "咖啡探店",
    "露营",
    "城市漫步",
    "读书笔记",
    "手账",
    "租房改造",
    "收纳",
    "养猫日记",
    "狗狗日常",
    "健身打卡",
    "瑜伽",
    "跑步",
    "摄影",
    "胶片",
    "头像",
    "壁纸",
    "美甲",
    "发型",
    "口红试色",
    "素颜霜",
    "敏感肌",
    "香水",
    "包包",
    "平价好物",
    "数码测评",
    "手机摄影",
    "考研",
    "英语学习",
    "职场",
    "副业",
    "亲子",
    "育儿经验",
    "婚礼",
    "新年写真",
    "国风",
    "汉服",
    "旗袍",
    "秋冬穿搭",
    "梨形身材",
    "小个子穿搭",
    "阳台花园",
    "多肉",
    "烘焙",
    "早餐",
    "火锅",
    "甜品",
    "奶茶",
    "海边",
    "雪山",
    "古镇",
    "博物馆",
    "音乐节",
    "电影推荐",
    "纪录片",
];

const OPENINGS: &[&str] = &[
    "终于找到了",
    "今天想和大家聊聊",
    "被问了很多次的",
    "认真研究了一个月",
    "第一次尝试",
    "回购三次的",
    "后悔没早点知道",
    "周末去看了",
    "给新手的建议:",
    "不踩雷",
    "一篇讲清楚",
    "悄悄分享",
    "真的会谢",
    "谁懂啊",
    "记录一下",
];
const SUBJECTS: &[&str] = &[
    "这家藏在巷子里的小店",
    "夏天的防晒思路",
    "一周不重样的搭配",
    "十分钟就能做好的晚饭",
    "安静又好拍的角落",
    "我的桌面角落",
    "适合一个人去的地方",
    "不到一百块的快乐",
    "敏感肌也能用的面霜",
    "小户型的收纳办法",
    "猫咪挑食怎么办",
    "三天两夜的路线",
    "显高又显瘦的裤子",
    "在家也能练的动作",
    "春天的第一束花",
    "好用到想安利的小东西",
    "老房子的新样子",
    "雨天的博物馆",
];
const SENTENCES: &[&str] = &[
    "先说结论,值得。",
    "细节都放在图里了,可以慢慢看。",
    "价格不算贵,质感比想象中好很多。",
    "早上去人少,光线也最好看。",
    "提前一天预约就可以,不用排队。",
    "用了两周,皮肤状态稳定了不少。",
    "我是梨形身材,平时穿M码,这条刚好。",
    "地铁出来走五分钟就到。",
    "步骤很简单,新手也不会翻车。",
    "有问题可以在评论区问我,看到都会回。",
    "个人感受,仅供参考哦~",
    "下次想换个颜色试试。",
    "朋友看到的第一眼就问我要链接。",
    "最惊喜的是它的味道,一点都不甜腻。",
    "冬天穿也不会冷,里面可以加一件打底。",
    "拍照建议用人像模式,背景会更干净。",
    "记得带伞,那边下午容易下雨。",
    "整理完之后心情都变好了。",
    "我会继续更新后面的进度。",
    "喜欢的话点个收藏不迷路。",
];
const CLOSINGS: &[&str] = &["!!", "✨", "🌿", "~", "", "", "(附攻略)", "|真实体验", "🧡", "?"];
const NAME_HEADS: &[&str] = &[
    "小",
    "阿",
    "是",
    "在逃",
    "不想上班的",
    "爱吃的",
    "慢慢",
    "一只",
    "南方",
    "北边的",
    "晚睡",
    "认真",
    "半糖",
    "深夜",
    "路过的",
];
const NAME_TAILS: &[&str] = &[
    "六金",
    "米兜",
    "风草",
    "团子",
    "栗子",
    "橙子呀",
    "木木",
    "鱼尾",
    "山茶",
    "可可",
    "豆包",
    "星期三",
    "小羊崽",
    "青柠",
    "阿澈",
    "云朵",
    "鹿鹿",
    "陈皮",
    "年糕",
    "南瓜",
];
/// Where people write from.
pub(super) const PLACES: &[(&str, &str)] = &[
    ("广东", "东莞"),
    ("广东", "深圳"),
    ("浙江", "杭州"),
    ("浙江", "宁波"),
    ("上海", "上海"),
    ("北京", "北京"),
    ("四川", "成都"),
    ("江苏", "苏州"),
    ("江苏", "南京"),
    ("湖南", "长沙"),
    ("福建", "厦门"),
    ("云南", "大理"),
    ("陕西", "西安"),
    ("山东", "青岛"),
    ("重庆", "重庆"),
    ("河南", "郑州"),
];
/// What people say they are.
pub(super) const TRADES: &[&str] =
    &["家居博主", "母婴博主", "美食博主", "穿搭博主", "摄影师", "学生", "健身教练", "旅行博主", "手工博主", "宠物博主"];

/// Text that tries to do something where it is shown, as people and bots really post it.
pub(super) const HOSTILE: &[&str] = &[
    "\u{1b}[31m红\u{1b}[0m\u{1b}]0;标题\u{7}",
    "\u{202e}倒过来\u{202c}",
    "第一行\n::error::第二行\r\n",
    "</script><script>alert(1)</script>",
    "a\u{0}b\u{8}\u{200b}\u{feff}",
    "=HYPERLINK(\"http://127.0.0.1\")",
    "%s%n{0}${HOME}`id`",
];

/// Makes up a nickname.
pub(super) fn nickname(draws: &mut Draws) -> String {
    let end = if draws.once_in(3) { draws.below(100).to_string() } else { String::new() };
    format!("{}{}{end}", draws.pick(NAME_HEADS), draws.pick(NAME_TAILS))
}

/// Makes up a title.
pub(super) fn title(draws: &mut Draws) -> String {
    format!("{}{}{}", draws.pick(OPENINGS), draws.pick(SUBJECTS), draws.pick(CLOSINGS))
}

/// Makes up a few sentences.
pub(super) fn sentences(draws: &mut Draws) -> String {
    let count = 2 + draws.below(6);
    (0..count)
        .flat_map(|at| {
            [
                *draws.pick(SENTENCES),
                if at % 3 == 2 {
                    "
"
                } else {
                    ""
                },
            ]
        })
        .collect()
}

//! A user's profile.

use serde_json::{Value, json};

use super::{Payloads, count, fill, template};
use crate::sandbox::universe::User;

impl Payloads<'_> {
    /// Words a profile. Some have their counts only among the interactions, a few do not repeat their id.
    pub(crate) fn profile(self, user: &User) -> Value {
        let mut draws = self.draws("profile", user.number);
        let mut payload = template(include_str!("templates/profile.json"));
        self.add_person(&mut payload, user);
        self.add_links(&mut payload, user);
        let (top, id) = (!draws.once_in(10), !draws.once_in(15) || user.number == 0);
        let interaction = user.liked + user.collected;
        let in_text = draws.once_in(6);
        let told = |number: u64| if in_text { count::listed_text(number) } else { json!(number) };
        let mut interactions = [
            json!({"type": "follows", "name": "关注", "count": told(user.follows), "is_private": false, "toast": ""}),
            json!({"type": "fans", "name": "粉丝", "count": told(user.fans), "is_private": false, "toast": ""}),
            json!({"type": "interaction", "name": "获赞与收藏", "count": told(interaction), "is_private": false, "toast": ""}),
        ];
        interactions.rotate_left(draws.below(9).saturating_sub(6) as usize);
        payload["interactions"] = json!(interactions);
        if top {
            fill(&mut payload, json!({"fans": user.fans, "follows": user.follows}));
        }
        if id {
            payload["userid"] = json!(user.id);
        }
        payload
    }

    fn add_person(self, payload: &mut Value, user: &User) {
        let (province, city) = user.place;
        let mut tags = vec![json!({"name": format!("{province}{city}"), "tag_type": "location"})];
        tags.extend(user.trades.iter().map(|trade| json!({"name": trade, "tag_type": "profession"})));
        if user.gender < 2 {
            let word = ["male", "female"][usize::from(user.gender)];
            let icon = format!("http://ci.sandbox.invalid/icons/user/gender-{word}-v1.png");
            tags.insert(0, json!({"icon": icon, "tag_type": "info"}));
        }
        fill(
            payload,
            json!({
                "nickname": user.nickname,
                "red_id": user.red_id,
                "gender": user.gender,
                "desc": user.description,
                "user_desc_info": {
                    "desc": user.description,
                    "desc_at_users": [],
                    "desc_with_placeholder": user.description,
                    "desc_keywords_switch": true,
                },
                "location": format!("中国 {province} {city}"),
                "ip_location": province,
                "tags": tags,
                "liked": user.liked,
                "collected": user.collected,
                "ndiscovery": user.notes,
                "note_num_stat": {"posted": user.notes, "liked": user.liked, "collected": user.collected},
                "red_official_verified": user.is_verified,
                "red_official_verify_type": u8::from(user.is_verified),
                "red_official_verify_content": if user.is_verified { "机构认证" } else { "" },
                "images": self.avatar(user, 360),
                "imageb": self.avatar(user, 540),
            }),
        );
    }

    fn add_links(self, payload: &mut Value, user: &User) {
        let id = &user.id;
        let home = format!("https://www.xiaohongshu.com/user/profile/{id}");
        let fans = count::listed_text(user.fans);
        let likes = count::listed_text(user.liked + user.collected);
        let banner = self.draws("banner", user.number).hex(40);
        payload["banner_info"]["image"] = json!(format!(
            "http://sns-avatar.sandbox.invalid/user_banner/{banner}?imageView2/2/w/540/format/jpg&sc=USR_BG"
        ));
        for bar in ["brand_account_info", "zhong_tong_bar_info"] {
            for conversion in payload[bar]["conversions"].as_array_mut().into_iter().flatten() {
                conversion["link"] =
                    json!(format!("xhsdiscover://message/userPublicGroupList?user_id={id}&username=TA"));
            }
        }
        fill(
            payload,
            json!({
                "share_link": format!("{home}?xsec_token={}&xsec_source=app_share", self.xsec_token(user.number)),
                "share_info": {"title": user.nickname, "content": user.description},
                "share_info_v2": {
                    "title": format!("@{}的个人主页", user.nickname),
                    "content": format!("粉丝: {}\n获赞与收藏: {}", fans.as_str().unwrap_or_default(), likes.as_str().unwrap_or_default()),
                    "ecom_title": format!("{}的橱窗", user.nickname),
                    "ecom_content": format!("{}的选品", user.nickname),
                    "ecom_share_link": format!("{home}?tab=buyer&channelType=share_outside"),
                },
                "sec_account_deeplink": format!("xhsdiscover://rn/accounts/account-detail?targetId={id}&new_page_exp=1"),
                "identity_deeplink": format!("xhsdiscover://rn/app-settings/official/certification/details?type=2&user_id={id}"),
            }),
        );
    }
}

//! Two shapes compared, with few false alarms: optional fields come and go.
//!
//! A path that one side lacks is told only if chance cannot explain it: were it as frequent there as it is here, all
//! answers of that side would lack it less than once in a million times. Frequency is always that among the answers which
//! have what the path stands in, so that a whole that is rarer does not make its parts suspicious.

use std::collections::HashMap;

use super::{Change, Finding, Seen};
use crate::vendor::{Kind, SeenPath, Shape};

/// Fewer answers say nothing.
const FEWEST: u64 = 5;
/// The chance below which what is missing is missing for a reason.
const CHANCE: f64 = 1e-6;

/// Tells whether something that `seen` of `of` answers have would be seen among `others`, too, if nothing had changed.
fn is_missed(seen: u64, of: u64, others: u64) -> bool {
    let enough = of >= FEWEST && others >= FEWEST;
    // A little less than what was seen: it may have been luck.
    let frequency = seen as f64 / (of + 1) as f64;
    enough && others as f64 * (1.0 - frequency).ln() < CHANCE.ln()
}

/// Whether a path is covered by what is said of one above it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    No,
    /// Nothing is said, for names below a crowded path are not told apart.
    Silent,
    By(usize),
}

/// Lists what is different; the worst first. A path that comes or goes covers all that is below it.
pub(super) fn compare(before: &Shape, now: &Shape) -> Vec<Finding> {
    let (old, new) = (before.paths(), now.paths());
    let place = |paths: &[SeenPath<'_>]| -> HashMap<String, usize> {
        paths.iter().enumerate().map(|(at, seen)| (seen.path.clone(), at)).collect()
    };
    let (old_at, new_at) = (place(&old), place(&new));
    let sides = Sides { old: &old, new: &new, before: before.answers(), now: now.answers() };
    let mut findings = Vec::new();
    let mut covers = Vec::with_capacity(old.len());
    for (at, path) in old.iter().enumerate() {
        let twin = new_at.get(&path.path).copied();
        let cover = cover(path.parent, &covers, &mut findings).unwrap_or_else(|| {
            let is_crowded = path.is_crowded || twin.and_then(|at| new.get(at)).is_some_and(|twin| twin.is_crowded);
            sides.gone_or_retyped(at, twin, &new_at).map_or(
                if is_crowded { Cover::Silent } else { Cover::No },
                |found| {
                    findings.push(found);
                    Cover::By(findings.len() - 1)
                },
            )
        });
        covers.push(cover);
    }
    let mut new_covers: Vec<Cover> = Vec::with_capacity(new.len());
    for (at, path) in new.iter().enumerate() {
        let cover = match old_at.get(&path.path).and_then(|at| covers.get(*at)) {
            Some(known) => *known,
            None => cover(path.parent, &new_covers, &mut findings).unwrap_or_else(|| {
                sides.appeared(at, &old_at).map_or(Cover::Silent, |found| {
                    findings.push(found);
                    Cover::By(findings.len() - 1)
                })
            }),
        };
        new_covers.push(if path.is_crowded && cover == Cover::No { Cover::Silent } else { cover });
    }
    findings.sort_by(|a, b| {
        let weight =
            |finding: &Finding| (finding.change, std::cmp::Reverse(finding.before.answers.max(finding.now.answers)));
        weight(a).cmp(&weight(b)).then_with(|| a.path.cmp(&b.path))
    });
    findings
}

/// Returns what covers a path through the one above it; a finding there counts it.
fn cover(parent: Option<usize>, covers: &[Cover], findings: &mut [Finding]) -> Option<Cover> {
    let cover = *covers.get(parent?)?;
    if let Cover::By(finding) = cover
        && let Some(finding) = findings.get_mut(finding)
    {
        finding.below += 1;
    }
    (cover != Cover::No).then_some(cover)
}

/// Both lists of paths, and how many answers they are of.
struct Sides<'a> {
    old: &'a [SeenPath<'a>],
    new: &'a [SeenPath<'a>],
    before: u64,
    now: u64,
}

impl Sides<'_> {
    /// Counts the answers before that have what a path stands in; `parent` is its path.
    fn of_before(&self, at: usize) -> u64 {
        let parent = self.old.get(at).and_then(|path| path.parent);
        parent.map_or(self.before, |parent| self.old.get(parent).map_or(0, |parent| parent.answers))
    }

    fn of_now(&self, at: usize) -> u64 {
        let parent = self.new.get(at).and_then(|path| path.parent);
        parent.map_or(self.now, |parent| self.new.get(parent).map_or(0, |parent| parent.answers))
    }

    fn gone_or_retyped(&self, at: usize, twin: Option<usize>, new_at: &HashMap<String, usize>) -> Option<Finding> {
        let old = self.old.get(at)?;
        let of = self.of_before(at);
        let before = seen(old, of);
        let Some((twin, new)) = twin.and_then(|twin| Some((twin, self.new.get(twin)?))) else {
            let parent = new_at.get(&self.old.get(old.parent?)?.path)?;
            let others = self.new.get(*parent)?.answers;
            let now = Seen { answers: 0, of: others, types: Vec::new() };
            let is_gone = old.answers * 2 > of && is_missed(old.answers, of, others);
            return is_gone.then(|| Finding {
                change: Change::Gone,
                path: old.path.clone(),
                below: 0,
                before,
                now,
                example: example(old, None),
            });
        };
        let count = |path: &SeenPath<'_>, kind: Kind| {
            path.kinds.iter().find(|(own, ..)| *own == kind).map_or(0, |(_, count, _)| *count)
        };
        let lost = old.kinds.iter().find(|(kind, n, _)| {
            count(new, *kind) == 0 && n * 2 > old.answers && is_missed(*n, old.answers, new.answers)
        });
        let found =
            new.kinds.iter().find(|(kind, n, _)| count(old, *kind) == 0 && is_missed(*n, new.answers, old.answers));
        (lost.is_some() || found.is_some()).then(|| Finding {
            change: Change::Retyped,
            path: old.path.clone(),
            below: 0,
            before,
            now: seen(new, self.of_now(twin)),
            example: example(new, found.map(|(kind, ..)| *kind)),
        })
    }

    fn appeared(&self, at: usize, old_at: &HashMap<String, usize>) -> Option<Finding> {
        let new = self.new.get(at)?;
        let parent = old_at.get(&self.new.get(new.parent?)?.path)?;
        let (of, others) = (self.of_now(at), self.old.get(*parent)?.answers);
        is_missed(new.answers, of, others).then(|| Finding {
            change: Change::New,
            path: new.path.clone(),
            below: 0,
            before: Seen { answers: 0, of: others, types: Vec::new() },
            now: seen(new, of),
            example: example(new, None),
        })
    }
}

fn seen(path: &SeenPath<'_>, of: u64) -> Seen {
    Seen { answers: path.answers, of, types: path.kinds.iter().map(|(kind, ..)| *kind).collect() }
}

fn example(path: &SeenPath<'_>, kind: Option<Kind>) -> String {
    let fitting = path.kinds.iter().find(|(own, ..)| kind.is_none_or(|kind| *own == kind));
    fitting.map_or_else(String::new, |(_, _, call)| (*call).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::tape_of;

    fn shape(bodies: impl IntoIterator<Item = Value>) -> Shape {
        let mut shape = Shape::default();
        bodies.into_iter().for_each(|body| shape.count(tape_of(&body).root(), "call"));
        shape
    }

    fn times(count: usize, body: &Value) -> Vec<Value> {
        vec![body.clone(); count]
    }

    fn told(before: Vec<Value>, now: Vec<Value>) -> Vec<String> {
        let findings = compare(&shape(before), &shape(now)).into_iter();
        findings.map(|found| format!("{:?} {} +{}", found.change, found.path, found.below)).collect()
    }

    #[test]
    fn what_changed_is_told_once_and_nothing_else() {
        let whole = json!({"note": {"id": "a", "liked_count": 1, "time": 5, "user": {"id": "u", "name": "n"}}});
        let cases: &[(Value, &[&str])] = &[
            (whole.clone(), &[]),
            // Other values are no other shape.
            (json!({"note": {"id": "b", "liked_count": 9, "time": 0, "user": {"id": "", "name": "m"}}}), &[]),
            (
                json!({"note": {"id": "a", "likes": 1, "time": 5, "user": {"id": "u", "name": "n"}}}),
                &["Gone note.liked_count +0", "New note.likes +0"],
            ),
            (json!({"note": {"id": "a", "liked_count": 1, "time": 5}}), &["Gone note.user +2"]),
            // Null is not there.
            (json!({"note": {"id": "a", "liked_count": 1, "time": 5, "user": null}}), &["Gone note.user +2"]),
            (
                json!({"note": {"id": "a", "liked_count": "1", "time": 5, "user": {"id": "u", "name": "n"}}}),
                &["Retyped note.liked_count +0"],
            ),
            // What is below another type goes and comes with it.
            (
                json!({"note": {"id": "a", "liked_count": 1, "time": 5, "user": [{"key": "u"}]}}),
                &["Retyped note.user +4"],
            ),
            (
                json!({"note": {"id": "a", "liked_count": 1, "time": 5, "user": {"id": "u", "name": "n"}},
                    "extra": {"a": {"b": [1]}}}),
                &["New extra +3"],
            ),
        ];
        for (now, expected) in cases {
            assert_eq!(told(times(20, &whole), times(20, now)), *expected, "{now}");
        }
    }

    /// How many answers have a field, and how many lack it.
    type Mix = (usize, usize);

    #[test]
    fn few_answers_and_rare_fields_prove_nothing() {
        let (with, without) = (json!({"id": 1, "x": 2}), json!({"id": 1}));
        let mix = |have: usize, lack: usize| [times(have, &with), times(lack, &without)].concat();
        // (have, lack) before and now, and what is told.
        let cases: &[(Mix, Mix, &[&str])] = &[
            ((20, 0), (0, 4), &[]),
            ((4, 0), (0, 20), &[]),
            ((20, 0), (0, 5), &["Gone x +0"]),
            ((5, 0), (0, 8), &["Gone x +0"]),
            ((5, 0), (0, 7), &[]),
            // One answer that still has it proves that it is not gone.
            ((20, 0), (1, 19), &[]),
            // It was in fewer than most.
            ((40, 60), (0, 100), &[]),
            ((60, 40), (0, 10), &[]),
            ((60, 40), (0, 20), &["Gone x +0"]),
            ((0, 20), (20, 0), &["New x +0"]),
            // A field of one note in a hundred may well not have been met before.
            ((0, 100), (1, 99), &[]),
            ((0, 100), (20, 80), &["New x +0"]),
            ((0, 4), (20, 0), &[]),
        ];
        for (before, now, expected) in cases {
            assert_eq!(told(mix(before.0, before.1), mix(now.0, now.1)), *expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn parts_are_judged_by_their_whole() {
        let image = json!({"id": 1});
        let video = json!({"id": 1, "video": {"url": "u", "width": 3}});
        let other = json!({"id": 1, "video": {"link": "u", "width": 3}});
        // A rarer whole is no drift, and a name that changes inside of it is.
        assert_eq!(told(times(30, &video), [times(5, &video), times(95, &image)].concat()), [""; 0]);
        let before = [times(20, &video), times(80, &image)].concat();
        assert_eq!(
            told(before, [times(20, &other), times(80, &image)].concat()),
            ["Gone video.url +0", "New video.link +0"]
        );
    }

    #[test]
    fn maps_and_crowds_of_names_are_no_drift() {
        let by_id =
            |from: usize| (0..30).map(move |at| json!({ "users": { format!("5c2f338a{:016}", from + at): {"n": 1} } }));
        assert_eq!(told(by_id(0).collect(), by_id(1000).collect()), [""; 0]);
        let word = |at: usize| -> String { at.to_string().bytes().map(|digit| char::from(digit + 49)).collect() };
        let by_word = |from: usize| (from..from + 600).map(|at| json!({ "tags": { word(at): {"n": 1} } }));
        assert_eq!(told(by_word(0).collect(), by_word(5000).collect()), [""; 0]);
    }

    #[test]
    fn the_worst_stands_first() {
        let before = json!({"a": 1, "b": 2, "c": 3});
        let now = json!({"a": "1", "c": 3, "d": 4});
        assert_eq!(told(times(20, &before), times(20, &now)), ["Gone b +0", "Retyped a +0", "New d +0"]);
    }
}

//! What a service said before is shown while it is in trouble, and only then.

use super::*;

const MONTH: i64 = 30 * 24 * 3600;

#[tokio::test]
async fn a_no_ends_what_was_said_before_and_is_no_refusal_of_ours() {
    let place = place().await;
    for what in ["missing", "unauthorized", "forbidden", "gone"] {
        place.said(what, 7200);
        let why = place.fails("kept", json!({"what": what})).await;
        assert!(why.contains("answers 4") && why.contains("is forgotten"), "{why}");
        assert!(!place.is_kept(what), "{what}");
        assert!(!place.fails("kept", json!({"what": what})).await.contains("forgotten"));
        assert_eq!(place.plugins.tally("stars").1, 0, "{what}");
    }
}

#[tokio::test]
async fn what_was_said_before_is_shown_for_trouble_alone_and_not_for_ever() {
    let place = place().await;
    for (what, is_shown) in [("busy", true), ("teapot", false), ("huge", false), ("loop", false)] {
        let place = self::place().await;
        place.said(what, 7200);
        let answer = place.ask("kept", json!({"what": what})).await;
        assert_eq!(answer.is_ok_and(|answer| answer.stale), is_shown, "{what}");
    }
    place.said("later", MONTH + 3590);
    assert!(place.ask("kept", json!({"what": "later"})).await.unwrap().stale);
    // It is left alone now; that it is in no hurry makes nothing younger.
    place.said("later", MONTH + 3610);
    assert!(place.fails("kept", json!({"what": "later"})).await.contains("left alone"));
}

#[tokio::test]
async fn who_asks_otherwise_is_told_nothing_of_before() {
    let place = place().await;
    let hash = place.plugin().hash.clone();
    let changes: [&dyn Fn(&Place); 5] = [
        &|place| place.set_secret("token", Some("one")),
        &|place| place.set_secret("token", None),
        &|place| place.set_config(json!({"units": "imperial"})),
        &|place| place.plugins.enable("stars", &scope(), None, None, Some(&[])).unwrap(),
        &|place| place.plugins.enable("stars", &scope(), Some(Some(true)), Some(&hash), None).unwrap(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        place.said("fine", 10);
        change(&place);
        assert!(!place.is_kept("fine"), "change {at}");
    }
}

#[tokio::test]
async fn what_was_asked_with_the_secret_before_is_not_kept() {
    let place = place().await;
    place.set_secret("token", Some("one"));
    let meanwhile = async {
        place.service.hangs.notified().await;
        place.set_secret("token", Some("other"));
        place.service.go.notify_one();
    };
    let (answer, ()) = tokio::join!(place.ask("kept", json!({"what": "waits"})), meanwhile);
    assert!(answer.is_ok() && !place.is_kept("waits"));
}

#[tokio::test]
async fn who_wants_to_know_whether_it_answers_is_told_of_now() {
    let place = place().await;
    let fresh = async |what: &str| {
        let given = json!({"what": what});
        place.plugins.ask("stars", &scope(), "kept", given.as_object().unwrap(), true).await
    };
    place.said("fine", 5);
    assert_eq!(place.ask("kept", json!({"what": "fine"})).await.unwrap().data, json!({"old": 1}));
    assert_eq!(fresh("fine").await.unwrap().data, json!({"a": 1}));
    place.said("unauthorized", 5);
    assert!(fresh("unauthorized").await.is_err());
    place.said("busy", 5);
    assert!(fresh("busy").await.unwrap().stale);
}

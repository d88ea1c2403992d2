//! Stopping, starting, logs, removing.

use futures_util::StreamExt as _;
use helix::integrations::error::Code;
use helix::integrations::role::{LogQuery, Platform as _};

use super::{deploy, fly, release};
use crate::support::fly_mock::{Behaviour, Effect, FlyMock};

#[tokio::test]
async fn a_stopped_instance_stays_stopped_until_it_is_started() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &desired).await.unwrap();
    mock.take_journal();
    for _ in 0..2 {
        fly.stop().await.unwrap();
        assert_eq!(fly.status().await.unwrap().state, "stopped");
        assert!(mock.state().machine().cordoned, "the proxy would start it");
    }
    for _ in 0..2 {
        fly.start().await.unwrap();
        assert!(!mock.state().machine().cordoned);
    }
    fly.restart().await.unwrap();
    insta::assert_snapshot!(mock.conversation());
    assert_eq!(mock.state().machine().state, "started");
    // A push starts what was stopped.
    fly.stop().await.unwrap();
    deploy(&fly, &desired).await.unwrap();
    super::assert_runs(&mock, &desired);
    assert!(!mock.state().machine().cordoned);
    // A start that was killed half way left it out of service.
    mock.state().machine().cordoned = true;
    deploy(&fly, &desired).await.unwrap();
    assert!(!mock.state().machine().cordoned);
}

#[tokio::test]
async fn a_restart_shows_secrets_that_were_set_since() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &desired).await.unwrap();
    fly.set_secrets(&super::secret("API_KEY", Some("one"))).await.unwrap();
    fly.start().await.unwrap();
    assert_eq!(mock.state().machine().secrets.len(), 0, "what runs is not started");
    fly.restart().await.unwrap();
    assert_eq!(mock.state().machine().secrets["API_KEY"], "one");
    super::assert_runs(&mock, &desired);
    fly.stop().await.unwrap();
    fly.set_secrets(&super::secret("API_KEY", Some("two"))).await.unwrap();
    fly.start().await.unwrap();
    assert_eq!(mock.state().machine().secrets["API_KEY"], "two");
    super::assert_runs(&mock, &desired);
    mock.take_journal();
    deploy(&fly, &desired).await.unwrap();
    assert!(!mock.take_journal().iter().any(|call| call.body["config"].is_object()), "the release has them already");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_started() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    for error in [fly.start().await.unwrap_err(), fly.stop().await.unwrap_err(), fly.restart().await.unwrap_err()] {
        assert_eq!(error.code, Code::NotFound);
        assert!(error.hint.unwrap().contains("`helix push prod`"));
    }
    assert_eq!(fly.status().await.unwrap().state, "absent");
    assert_eq!(fly.releases().await.unwrap(), []);
    assert_eq!(fly.destroy(true).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn many_calls_stay_within_the_limits() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    for _ in 0..6 {
        fly.restart().await.unwrap();
    }
    assert!(mock.take_journal().iter().all(|call| call.status != Some(429)));
}

#[tokio::test]
async fn logs_are_read_to_their_end_and_followed() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    let start = mock.state().now();
    let write = |from: u64, to: u64| {
        let mut state = mock.state();
        state.app().logs.extend((from..to).map(|number| (start + number * 1000, format!("line {number}"))));
    };
    write(0, 120);
    let time = |number: u64| jiff::Timestamp::from_millisecond(i64::try_from(start + number * 1000).unwrap()).unwrap();
    let read = async |query: LogQuery| -> Vec<String> {
        fly.logs(&query).await.unwrap().map(|line| line.unwrap().message).collect().await
    };
    let all = read(LogQuery::default()).await;
    assert_eq!((all.len(), all[119].as_str()), (120, "line 119"));
    assert_eq!(read(LogQuery { count: Some(2), ..LogQuery::default() }).await, ["line 118", "line 119"]);
    let range = LogQuery { since: Some(time(7)), until: Some(time(9)), ..LogQuery::default() };
    assert_eq!(read(range).await, ["line 7", "line 8", "line 9"]);
    let query = LogQuery { count: Some(1), follow: true, ..LogQuery::default() };
    let mut followed = fly.logs(&query).await.unwrap();
    assert_eq!(followed.next().await.unwrap().unwrap().message, "line 119");
    // The service is away for a moment.
    mock.fault("GET", "/logs", 4, Effect::Answer(503, None, String::new()));
    write(120, 122);
    assert_eq!(followed.next().await.unwrap().unwrap().message, "line 120");
    assert_eq!(followed.next().await.unwrap().unwrap().message, "line 121");
    mock.state().token = "fm2_another".to_owned();
    assert_eq!(followed.next().await.unwrap().unwrap_err().code, Code::AuthRejected);
    assert!(followed.next().await.is_none());
}

#[tokio::test]
async fn removing_keeps_the_data_unless_told_otherwise() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &desired).await.unwrap();
    insta::assert_debug_snapshot!("things", fly.things().await.unwrap());
    insta::assert_debug_snapshot!("removed_without_data", fly.destroy(false).await.unwrap());
    {
        let mut state = mock.state();
        let app = state.app();
        assert_eq!((app.machines.len(), app.addresses.len(), app.volumes.len()), (0, 0, 1));
    }
    deploy(&fly, &desired).await.unwrap();
    super::assert_runs(&mock, &desired);
    // The volume takes a moment to be free.
    mock.fault("DELETE", "/vol_0003", 1, Effect::Answer(412, None, String::new()));
    mock.take_journal();
    insta::assert_debug_snapshot!("removed_with_data", fly.destroy(true).await.unwrap());
    insta::assert_snapshot!("destroy_conversation", mock.conversation());
    assert!(mock.state().apps.is_empty());
    assert_eq!(fly.destroy(true).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    {
        let mut state = mock.state();
        let app = state.app();
        let mut foreign = app.machines[0].clone();
        foreign.id = "foreign".to_owned();
        foreign.config["metadata"]["helix_instance"] = "other".into();
        app.machines.push(foreign);
        let mut volume = app.volumes[0].clone();
        (volume.id, volume.name) = ("vol_foreign".to_owned(), "other".to_owned());
        app.volumes.push(volume);
    }
    let error = deploy(&fly, &release(&mock, 2, Behaviour::Good)).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
    assert!(error.to_string().contains("its machine `foreign` is not of this instance"), "{error}");
    assert!(fly.preflight().await.iter().any(|finding| finding.code == "E-DEPLOY-CONFLICT"));
    fly.destroy(true).await.unwrap();
    let mut state = mock.state();
    let app = state.app();
    assert_eq!((app.machines.len(), app.machines[0].id.as_str()), (1, "foreign"));
    assert_eq!((app.volumes.len(), app.volumes[0].id.as_str()), (1, "vol_foreign"));
    assert_eq!(app.addresses.len(), 2, "the app of somebody else keeps its addresses");
}

#[tokio::test]
async fn a_machine_on_a_host_that_is_away_can_be_removed() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    deploy(&fly, &release(&mock, 1, Behaviour::Good)).await.unwrap();
    mock.state().machine().host_status = "unreachable";
    assert!(fly.preflight().await.iter().any(|finding| finding.summary.contains("cannot be reached")));
    let error = deploy(&fly, &release(&mock, 2, Behaviour::Good)).await.unwrap_err();
    assert_eq!(error.code, Code::Upstream);
    fly.destroy(false).await.unwrap();
    assert_eq!(mock.state().app().machines.len(), 0);
}

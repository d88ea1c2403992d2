//! Commands that are killed, or lose a connection, after any call: the next one gets to the same place.

use std::time::Duration;

use helix::integrations::error::Code;
use helix::integrations::role::Platform as _;

use super::{assert_runs, deploy, fly, release};
use crate::support::fly_mock::{Behaviour, Effect, Entry, FlyMock};

/// Longer than a lease lasts that nobody extends.
const LEASE: Duration = Duration::from_secs(14);

#[derive(Clone, Copy, Debug)]
enum Accident {
    /// The last call is carried out, and the client is gone.
    Kill,
    /// The answer is lost; the client is there, and may go on.
    Drop,
}

/// Has an accident after each call of a deployment of `number`, on top of those before; gives how many calls there are.
async fn matrix(accident: Accident, number: u64) -> usize {
    for position in 1.. {
        let mock = FlyMock::start();
        for earlier in 1..number {
            deploy(&fly(&mock), &release(&mock, earlier, Behaviour::Good)).await.unwrap();
        }
        mock.take_journal();
        let desired = release(&mock, number, Behaviour::Good);
        let outcome = {
            let killed = fly(&mock);
            match accident {
                Accident::Kill => mock.cut_after(position),
                Accident::Drop => mock.drop_after(position),
            }
            deploy(&killed, &desired).await
        };
        let calls = mock.take_journal();
        mock.mend();
        if calls.len() < position {
            outcome.unwrap();
            assert_runs(&mock, &desired);
            return position - 1;
        }
        mock.advance(LEASE);
        deploy(&fly(&mock), &desired).await.unwrap_or_else(|error| {
            let calls: Vec<String> = calls.iter().map(ToString::to_string).collect();
            panic!("{accident:?} after call {position}: {error}\n{}", calls.join("\n"))
        });
        assert_runs(&mock, &desired);
    }
    unreachable!("a deployment ends")
}

#[tokio::test]
async fn a_first_deployment_may_be_killed_after_any_call() {
    assert!(matrix(Accident::Kill, 1).await >= 18);
}

#[tokio::test]
async fn a_later_deployment_may_be_killed_after_any_call() {
    assert!(matrix(Accident::Kill, 2).await >= 15);
}

#[tokio::test]
async fn a_first_deployment_may_lose_any_answer() {
    assert!(matrix(Accident::Drop, 1).await >= 18);
}

#[tokio::test]
async fn a_later_deployment_may_lose_any_answer() {
    assert!(matrix(Accident::Drop, 2).await >= 15);
}

#[tokio::test]
async fn what_was_carried_out_unheard_is_not_done_twice() {
    let mock = FlyMock::start();
    let fly = fly(&mock);
    for path in ["/v1/apps", "/ip_assignments", "/volumes", "/machines", "/lease"] {
        mock.fault("POST", path, 1, Effect::DropAfter);
    }
    let desired = release(&mock, 1, Behaviour::Good);
    deploy(&fly, &desired).await.unwrap();
    assert_runs(&mock, &desired);
}

#[tokio::test]
async fn a_release_that_fails_after_a_kill_is_taken_back_all_the_same() {
    let mock = FlyMock::start();
    let good = release(&mock, 1, Behaviour::Good);
    deploy(&fly(&mock), &good).await.unwrap();
    let bad = release(&mock, 2, Behaviour::Crash);
    mock.take_journal();
    // Killed with the update on its way: what ran before is only noted at the machine.
    let calls = 12;
    mock.cut_after(calls);
    deploy(&fly(&mock), &bad).await.unwrap_err();
    let journal = mock.take_journal();
    let is_update = |call: &&Entry| call.method == "POST" && call.body["config"].is_object();
    assert_eq!(journal.iter().filter(is_update).count(), 1, "{journal:#?}");
    mock.mend();
    mock.advance(LEASE);
    let error = deploy(&fly(&mock), &bad).await.unwrap_err();
    assert!(error.context.last().unwrap().contains("000001 runs again"), "{error:?}");
    let mut state = mock.state();
    let machine = state.machine();
    assert_eq!((machine.state, machine.behaviour), ("started", Behaviour::Good));
}

#[tokio::test]
async fn two_first_deployments_at_once_end_with_one_machine() {
    let mock = FlyMock::start();
    let (one, other) = (fly(&mock), fly(&mock));
    let [first, second] = [1, 2].map(|number| release(&mock, number, Behaviour::Good));
    let (one, other) = tokio::join!(deploy(&one, &first), deploy(&other, &second));
    let failed: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert!(failed.len() <= 1, "{failed:#?}");
    for error in failed {
        assert!(matches!(error.code, Code::Locked | Code::Conflict), "{error:?}");
    }
    // Each may have made a volume: the machine has one, and the other is spoken of.
    let is_spare = mock.state().app().volumes.len() == 2;
    let findings = fly(&mock).preflight().await;
    assert_eq!(findings.iter().any(|finding| finding.code == "W-FLY-VOLUMES"), is_spare, "{findings:#?}");
    mock.state().app().volumes.retain(|volume| volume.machine.is_some());
    let third = release(&mock, 3, Behaviour::Good);
    deploy(&fly(&mock), &third).await.unwrap();
    mock.state().app().addresses.truncate(2);
    assert_runs(&mock, &third);
}

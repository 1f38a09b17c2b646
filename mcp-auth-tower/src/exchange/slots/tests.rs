use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn slots(concurrent: usize, waiting: usize) -> Slots {
    Slots::new(SlotLimits { concurrent, waiting, wait: Duration::from_secs(2) })
}

#[test]
fn the_table_is_bounded_and_who_has_a_place_stays_in_it() {
    let slots = slots(1, 1);
    let kept = [slots.enter("kept.example:443", NOW), slots.enter("kept.example:443", NOW)];
    assert!(kept.iter().all(Option::is_some));
    for n in 0..10 * REMEMBERED {
        assert!(slots.enter(&format!("h{n}.example:443"), NOW).is_some());
        assert!(slots.enter("kept.example:443", NOW).is_none(), "{n}: both places are taken");
        assert!(lock(&slots.providers).len() <= REMEMBERED);
    }
    drop(kept);
    assert!(slots.enter("kept.example:443", NOW).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_place_has_one_slot_and_gives_it_back() {
    let slots = slots(1, 1);
    let wanted = watch::Sender::new(());
    let _one_waits = wanted.subscribe();
    let deadline = Instant::now() + Duration::from_secs(60);
    let [mut first, mut second] = [(); 2].map(|()| slots.enter("a.example:443", NOW).unwrap());
    for _ in 0..3 {
        assert_eq!(first.take_slot(deadline, &wanted, || NOW).await, Turn::AtOnce, "with all its tries");
    }
    assert_eq!(second.take_slot(deadline, &wanted, || NOW).await, Turn::Never);
    let taken = tokio::spawn(async move { second.take_slot(deadline, &wanted, || NOW).await });
    tokio::task::yield_now().await;
    drop(first);
    assert_eq!(taken.await.unwrap(), Turn::AfterOthers);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_whom_nobody_waits() {
    let slots = slots(1, 2);
    let wanted = watch::Sender::new(());
    let deadline = Instant::now() + Duration::from_secs(60);
    let [mut first, mut second] = [(); 2].map(|()| slots.enter("a.example:443", NOW).unwrap());
    assert_eq!(first.take_slot(deadline, &wanted, || NOW).await, Turn::AtOnce, "what is free is taken");
    assert_eq!(second.take_slot(deadline, &wanted, || NOW).await, Turn::Deserted);
    // Who was in the queue and left is not waited for by those behind.
    let _one_waits = wanted.subscribe();
    let mut third = slots.enter("a.example:443", NOW).unwrap();
    let taken = tokio::spawn(async move { third.take_slot(deadline, &wanted, || NOW).await });
    tokio::task::yield_now().await;
    drop(first);
    assert_eq!(taken.await.unwrap(), Turn::AfterOthers);
}

#[test]
fn a_provider_is_named_by_host_and_port() {
    use mcp_auth_exchange::provider::ExchangeProfile;
    use mcp_auth_exchange::{ClientCredential, TokenEndpoint};
    let step = |url: &str| {
        let endpoint = TokenEndpoint::insecure_http(&url.parse().unwrap()).unwrap();
        Step::new(ExchangeProfile::rfc8693(), endpoint, ClientCredential::none("c"))
    };
    for (url, name) in [
        ("https://A.example/token?x=1", "a.example:443"),
        ("https://a.example:443/other", "a.example:443"),
        ("https://a.example:8443/token", "a.example:8443"),
        ("http://a.example/token", "a.example:80"),
        ("http://[::1]:9000/token", "[::1]:9000"),
    ] {
        assert_eq!(provider_of(Some(&step(url))), name);
    }
}

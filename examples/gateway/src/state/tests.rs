use super::*;
use crate::config;
use crate::test::Folder;

impl Folder {
    fn config(&self, state: &str) -> Config {
        let state = state.replace("DIR", &self.0.display().to_string());
        let text = format!(
            "state: {{{state}}}\nbinds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{host: '127.0.0.1:9'}}]\n"
        );
        config::parse(&text, "x.yaml").unwrap_or_else(|e| panic!("{e}")).0
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// What only the same key opens.
fn sealed(shared: &Shared) -> String {
    use mcp_auth_core::seal::{Purpose, SealNonce};
    let sealer = shared.facade_sealer().unwrap();
    sealer.seal(Purpose::State, &[], b"x", None, SealNonce::Random([1; 12])).unwrap()
}

fn opens(shared: &Shared, text: &str) -> bool {
    use mcp_auth_core::UnixTime;
    use mcp_auth_core::seal::Purpose;
    let sealer = shared.facade_sealer().unwrap();
    sealer.open(Purpose::State, &[], text, UnixTime::from_secs(1)).is_ok()
}

#[test]
fn a_missing_key_file_is_made_once_and_for_the_owner_alone() {
    let folder = Folder::new("made");
    let config = folder.config("keyFile: DIR/key");
    let first = Shared::open(&config, Missing::Create).unwrap();
    assert_eq!(folder.files(), ["key"], "nothing is left beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.0.join("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = Shared::open(&config, Missing::Create).unwrap();
    assert!(opens(&again, &sealed(&first)));
    assert!(!format!("{again:?}").contains(std::fs::read_to_string(folder.0.join("key")).unwrap().trim()));
}

#[test]
fn a_check_writes_nothing() {
    let folder = Folder::new("pretend");
    let config = folder.config("keyFile: DIR/key");
    Shared::open(&config, Missing::Pretend).unwrap();
    assert_eq!(folder.files(), [""; 0]);
}

#[test]
fn the_first_key_seals_and_all_open() {
    let folder = Folder::new("rotation");
    let old = Shared::open(&folder.config("keyFile: DIR/old"), Missing::Create).unwrap();
    let both = Shared::open(&folder.config("keyFiles: [DIR/new, DIR/old]"), Missing::Create).unwrap();
    let new = Shared::open(&folder.config("keyFile: DIR/new"), Missing::Create).unwrap();
    assert!(opens(&both, &sealed(&old)) && opens(&both, &sealed(&new)));
    assert!(opens(&new, &sealed(&both)) && !opens(&old, &sealed(&both)));
    assert!(both.session().is_ok());
}

#[test]
fn without_a_file_the_key_is_that_of_the_process() {
    let folder = Folder::new("process");
    let config = folder.config("");
    let open = || Shared::open(&config, Missing::Create).unwrap();
    let (one, other) = (open(), open());
    assert!(opens(&one, &sealed(&one)) && !opens(&other, &sealed(&one)));
}

#[test]
fn a_key_file_that_is_no_key_is_refused_and_not_replaced() {
    let folder = Folder::new("bad");
    std::fs::create_dir(folder.0.join("folder")).unwrap();
    for (name, content, expected) in [
        ("text", "hunter2 hunter2", "`state.keyFile"),
        ("short", "aHVudGVyMg==", "not of 32 bytes"),
        ("empty", "", "not of 32 bytes"),
    ] {
        std::fs::write(folder.0.join(name), content).unwrap();
        let error = Shared::open(&folder.config(&format!("keyFile: DIR/{name}")), Missing::Create);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected.trim_start_matches('`')), "{error}");
        assert!(error.contains("openssl rand -base64 32") && !error.contains("hunter2"), "{error}");
        assert_eq!(std::fs::read_to_string(folder.0.join(name)).unwrap(), content);
    }
    for (state, expected) in [
        ("keyFile: DIR/folder", "is not a file"),
        ("keyFile: DIR/absent/key", "cannot be made"),
        ("keyFiles: [DIR/new, DIR/gone]", "only the first key file is made"),
    ] {
        let error = Shared::open(&folder.config(state), Missing::Create).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
#[cfg(feature = "redis")]
fn replicas_need_a_key_file_that_is_there() {
    let folder = Folder::new("replicas");
    let state = "keyFile: DIR/key, replicas: 2, store: {redis: {url: 'redis://127.0.0.1:6379'}}";
    let error = Shared::open(&folder.config(state), Missing::Create).unwrap_err().to_string();
    assert!(error.contains("with several replicas none is made"), "{error}");
    assert_eq!(folder.files(), [""; 0]);
}

/// A port on which nobody listens.
async fn nobody() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn attack_050_each_kind_of_foreign_url_has_its_own_networks() {
    use mcp_auth_tower::client::{FetchError, FetchRequest, FetchUrl, UrlTrust};

    let dialled = async |outbound: &str| {
        let text = format!(
            "outbound: {{{outbound}}}\nbinds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{host: '127.0.0.1:9'}}]\n"
        );
        let config = config::parse(&text, "x.yaml").unwrap_or_else(|e| panic!("{e}")).0;
        let shared = Shared::open(&config, Missing::Pretend).unwrap();
        let url = FetchUrl::parse(&format!("https://127.0.0.1:{}/x", nobody().await)).unwrap();
        let mut dialled = Vec::new();
        for client in [shared.fetch(), shared.document_fetch()] {
            let request =
                FetchRequest::new(url.clone(), UrlTrust::Learned, 1000, std::time::Duration::from_secs(10));
            dialled.push(match client.fetch(request).await.unwrap_err() {
                FetchError::Address(_) => false,
                FetchError::Connect(_) => true,
                other => panic!("{other}"),
            });
        }
        dialled
    };
    assert_eq!(dialled("").await, [false, false]);
    assert_eq!(dialled("allowLearned: [127.0.0.0/8]").await, [true, false]);
    assert_eq!(dialled("allowClientDocuments: [127.0.0.0/8]").await, [false, true]);
}

#[test]
fn a_network_that_is_none_is_refused_with_its_place() {
    for field in ["allowLearned", "allowClientDocuments"] {
        let text = format!(
            "outbound: {{{field}: [intranet]}}\nbinds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{host: '127.0.0.1:9'}}]\n"
        );
        let config = config::parse(&text, "x.yaml").unwrap_or_else(|e| panic!("{e}")).0;
        let error = Shared::open(&config, Missing::Pretend).unwrap_err().to_string();
        assert!(error.starts_with("x.yaml:1:") && error.contains(&format!("outbound.{field}: ")), "{error}");
    }
}

//! Who did what, with which outcome.

use mcp_auth_core::audit::Record;

use super::*;
use crate::audit::AuditSink;

#[derive(Debug, Default)]
struct Records(Mutex<Vec<String>>);

impl AuditSink for Records {
    fn record(&self, r: &Record<'_>) {
        let line = format!("{:?} {:?} {:?} {:?} {}", r.issuer, r.subject, r.method, r.item, r.allowed);
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn row_271_every_decision_is_recorded() {
    let records = Arc::new(Records::default());
    let sink = records.clone();
    let setup = Setup::with(|b| b.audit(sink).deny(r#"mcp.tool.name == "write""#).unwrap());
    let token = setup.idp.token("bob");
    for tool in ["read", "write"] {
        setup.post(&token, &call(tool)).await;
    }
    let lines = records.0.lock().unwrap().join("\n");
    assert_eq!(lines.lines().count(), 2);
    assert!(
        lines.contains(r#"Some("https://idp.example") Some("bob") Some("tools/call") Some("write") false"#),
        "{lines}"
    );
    assert!(!token.split('.').any(|part| lines.contains(part)));
}

//! A preset by the issuer alone, as configurations have it that name an issuer and a kind of provider.

use super::{Provider, ProviderError, ProviderKind};

impl Provider {
    /// The preset of a provider by its issuer, exactly as its tokens name it: the address, realm or tenant is read out
    /// of it.
    ///
    /// ```
    /// use mcp_auth_discovery::provider::{Provider, ProviderKind};
    ///
    /// let keycloak = Provider::of_issuer(ProviderKind::Keycloak, "https://sso.example.com/auth/realms/mcp")?;
    /// assert_eq!(
    ///     keycloak.jwks_uri(),
    ///     Some("https://sso.example.com/auth/realms/mcp/protocol/openid-connect/certs"),
    /// );
    /// let error = Provider::of_issuer(ProviderKind::Auth0, "https://acme.eu.auth0.com").unwrap_err();
    /// assert_eq!(error.to_string(), "an issuer of Auth0 is written `https://<host>/`");
    /// # Ok::<(), mcp_auth_discovery::provider::ProviderError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProviderError::IssuerForm`] for an issuer that this provider does not have, [`ProviderError::OktaOrgServer`],
    /// and what the constructor of the kind refuses.
    pub fn of_issuer(kind: ProviderKind, issuer: &str) -> Result<Self, ProviderError> {
        let form = || ProviderError::IssuerForm { provider: kind.name(), form: form_of(kind) };
        let parts = || cut(kind.row().issuer, issuer).ok_or_else(form);
        let found = match kind {
            ProviderKind::OpenIdConnect => return Self::openid_connect(issuer),
            ProviderKind::OAuth => return Self::oauth(issuer),
            ProviderKind::Okta => Self::okta_issuer(issuer),
            ProviderKind::Keycloak => parts().and_then(|(base, realm)| Self::keycloak(base, realm)),
            ProviderKind::Auth0 => parts().and_then(|(base, _)| Self::auth0(base)),
            ProviderKind::Frontegg => parts().and_then(|(base, _)| Self::frontegg(base)),
            ProviderKind::Zitadel => parts().and_then(|(base, _)| Self::zitadel(base)),
            ProviderKind::EntraV1 => parts().and_then(|(_, tenant)| Self::entra_v1(tenant)),
            ProviderKind::EntraV2 => parts().and_then(|(_, tenant)| Self::entra_v2(tenant)),
            ProviderKind::Authentik => parts().and_then(|(base, slug)| Self::authentik(base, slug)),
            ProviderKind::Descope => parts().and_then(|(base, of)| {
                let (project, server) = of.split_once('/').ok_or_else(form)?;
                Self::descope(base, project, server)
            }),
        };
        match found {
            // A validator compares `iss` with it byte for byte.
            Ok(provider) if provider.issuer() == issuer => Ok(provider),
            // The operator wrote an issuer, and no name.
            Ok(_) | Err(ProviderError::Name { .. }) => Err(form()),
            Err(other) => Err(other),
        }
    }
}

/// Address and name in an issuer; empty where the template has none.
fn cut<'i>(template: &str, issuer: &'i str) -> Option<(&'i str, &'i str)> {
    let (before_name, after_name) = match template.split_once("{name}") {
        Some((before, after)) => (before, Some(after)),
        None => (template, None),
    };
    let Some(after_name) = after_name else {
        return Some((issuer.strip_suffix(before_name.strip_prefix("{base}")?)?, ""));
    };
    let rest = issuer.strip_suffix(after_name)?;
    match before_name.strip_prefix("{base}") {
        // From the end: the address may have such a path, the name has not.
        Some(between) => rest.rsplit_once(between),
        None => Some(("", rest.strip_prefix(before_name)?)),
    }
}

fn form_of(kind: ProviderKind) -> String {
    let name = match kind {
        ProviderKind::Keycloak => "<realm>",
        ProviderKind::Okta => "<authServerId>",
        ProviderKind::EntraV1 | ProviderKind::EntraV2 => "<tenant>",
        ProviderKind::Descope => "<project>/<server>",
        ProviderKind::Authentik => "<application>",
        _ => "",
    };
    kind.row().issuer.replace("{base}", "https://<host>").replace("{name}", name)
}

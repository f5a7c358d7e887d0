//! Sign-in at an OpenID provider: authorization code with PKCE, state and nonce; the token's signature, audience, issuer and times are
//! checked by `openidconnect`. Nobody gets an account by signing in: compliance makes it, and the first sign-in binds it.

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use serde_json::{Value, json};

use crate::app::{App, OidcConfig};
use crate::call::{Call, Problem, Reply};
use crate::people::{cookie, hashed, secret};

/// The cookie that ties an answer to the browser that asked.
const COOKIE: &str = "freehold_elsewhere";
/// How long somebody may take to sign in, in microseconds.
const PATIENCE_MICROS: i64 = 600_000_000;
/// Largest answer of a provider, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What the library sends, sent.
fn sent(request: openidconnect::HttpRequest) -> Result<openidconnect::HttpResponse, std::io::Error> {
    let other = |e: String| std::io::Error::other(e);
    // a provider is named by whoever runs the server, and may lie on a private network
    let client = crate::hooks::client(true);
    let (parts, body) = request.into_parts();
    let mut builder = ureq::http::Request::builder().method(parts.method.as_str()).uri(parts.uri.to_string());
    for (name, value) in &parts.headers {
        builder = builder.header(name.as_str(), value.as_bytes());
    }
    let request = builder.body(body).map_err(|e| other(e.to_string()))?;
    let answer = client.run(request).map_err(|e| other(e.to_string()))?;
    let (head, mut body) = answer.into_parts();
    let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(|e| other(e.to_string()))?;
    let mut out = openidconnect::http::Response::builder().status(head.status.as_u16());
    for (name, value) in &head.headers {
        out = out.header(name.as_str(), value.as_bytes());
    }
    out.body(bytes).map_err(|e| other(e.to_string()))
}

fn provider(app: &App) -> Result<(&OidcConfig, Client), Problem> {
    let config = app.config.oidc.as_ref().ok_or_else(|| Problem::missing("nobody signs in elsewhere here"))?;
    let bad = |says: String| Problem::new(503, "provider", format!("the provider cannot be asked: {says}"));
    let issuer = IssuerUrl::new(config.issuer.clone()).map_err(|e| bad(e.to_string()))?;
    let metadata = CoreProviderMetadata::discover(&issuer, &sent).map_err(|e| bad(e.to_string()))?;
    let back = RedirectUrl::new(format!("{}/sign-in/elsewhere/back", app.url())).map_err(|e| bad(e.to_string()))?;
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(config.client_id.clone()),
        Some(ClientSecret::new(config.client_secret.clone())),
    )
    .set_redirect_uri(back);
    Ok((config, client))
}

/// Sends the reader to the provider.
pub(crate) fn leave(app: &App, call: &Call) -> Result<Reply, Problem> {
    let (_, client) = provider(app)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".into()))
        .add_scope(Scope::new("profile".into()))
        .set_pkce_challenge(challenge)
        .url();
    let browser = secret()?;
    let kept = json!({"verifier": verifier.secret(), "nonce": nonce.secret(), "browser": hashed(&browser)});
    let expires = call.now.saturating_add(PATIENCE_MICROS);
    app.shelf(|s| s.create("elsewhere", &hashed(state.secret()), &kept.to_string(), expires, call.now))?;
    let secure = if app.is_tls() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={browser}; Path=/sign-in; Max-Age=600; HttpOnly; SameSite=Lax{secure}");
    Ok(Reply::to(url.to_string()).with("set-cookie", cookie))
}

/// The reader is back: whose account it is, and the session's secret.
pub(crate) fn back(app: &App, call: &Call) -> Result<String, Problem> {
    let refused = |says: &str| Problem::new(403, "not-signed-in", says.to_string());
    if !call.asked("error").is_empty() {
        return Err(refused("the provider did not sign you in"));
    }
    let id = hashed(call.asked("state"));
    let item = app
        .shelf(|s| s.get("elsewhere", &id, call.now))?
        .ok_or_else(|| refused("this sign-in was used, or took too long"))?;
    // once, whoever else has seen it
    if !app.shelf(|s| s.remove("elsewhere", &id))? {
        return Err(refused("this sign-in was used"));
    }
    let kept: Value = serde_json::from_str(&item.body).unwrap_or_default();
    let word = |key: &str| kept[key].as_str().unwrap_or_default().to_string();
    let browser = cookie(call.header("cookie"), COOKIE).map(|c| hashed(&c)).unwrap_or_default();
    if browser != word("browser") {
        return Err(refused("this sign-in was begun in another browser"));
    }
    let (config, client) = provider(app)?;
    let tokens = client
        .exchange_code(AuthorizationCode::new(call.asked("code").to_string()))
        .map_err(|_| refused("the provider takes no codes"))?
        .set_pkce_verifier(PkceCodeVerifier::new(word("verifier")))
        .request(&sent)
        .map_err(|_| refused("the provider did not take the code"))?;
    let token = tokens.id_token().ok_or_else(|| refused("the provider said nothing of who you are"))?;
    let claims = token
        .claims(&client.id_token_verifier(), &Nonce::new(word("nonce")))
        .map_err(|_| refused("what the provider says of you cannot be trusted"))?;
    let subject = format!("{} {}", config.issuer, claims.subject().as_str());
    let vouched = claims.email_verified() == Some(true);
    let email = claims.email().filter(|_| vouched).map(|e| e.as_str().to_string());
    let login = app.account_of(&subject, email.as_deref(), call.now)?;
    app.start_session(&login, call.now)
}

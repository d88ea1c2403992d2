//! Profiles that take on a role through another profile: `role_arn` with `source_profile`.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};

use super::{Aws, AwsError, Credential, Surroundings, element, keys_of_profile};
use crate::http::HttpError;

/// How many profiles may stand behind one another.
const MOST: usize = 5;

/// A role, and who takes it on.
#[derive(Debug)]
struct Role {
    arn: String,
    /// The profile that takes it on.
    source: String,
    session: String,
    external_id: Option<String>,
    seconds: Option<String>,
}

impl Role {
    /// The role of a profile, when it takes on one through another profile.
    fn of(around: &Surroundings, profile: &str) -> Option<Self> {
        let mut keys = keys_of_profile(around, profile);
        let (arn, source) = keys.remove("role_arn").zip(keys.remove("source_profile"))?;
        let session = keys.remove("role_session_name").unwrap_or_else(|| "helix".to_owned());
        let (external_id, seconds) = (keys.remove("external_id"), keys.remove("duration_seconds"));
        Some(Self { arn, source, session, external_id, seconds })
    }

    /// The call that takes it on.
    fn form(&self) -> String {
        let mut form = Url::parse("http://form").map(|mut url| {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("Action", "AssumeRole").append_pair("Version", "2011-06-15");
            pairs.append_pair("RoleArn", &self.arn).append_pair("RoleSessionName", &self.session);
            let more = [("ExternalId", &self.external_id), ("DurationSeconds", &self.seconds)];
            for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
                pairs.append_pair(name, value);
            }
            drop(pairs);
            url
        });
        form.as_mut().ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
    }
}

impl Aws {
    /// The credentials of the role that the profile takes on; `None` when it takes on none. They are asked for once.
    pub(super) async fn assumed(&self) -> Result<Option<Credential>, AwsError> {
        let is_of_variables = self.profile.is_none() && self.around.var("AWS_ACCESS_KEY_ID").is_some();
        if is_of_variables || self.takes_no_role {
            return Ok(None);
        }
        let named = self.profile.as_deref().or_else(|| self.around.var("AWS_PROFILE"));
        let profile = named.unwrap_or("default");
        let Some(role) = Role::of(&self.around, profile) else { return Ok(None) };
        if self.depth >= MOST {
            return Err(AwsError::Credentials(format!("`source_profile` of the profile `{profile}` leads nowhere")));
        }
        let taken = self.role.get_or_try_init(|| Box::pin(self.assume(profile, &role))).await?;
        Ok(Some(taken.clone()))
    }

    async fn assume(&self, profile: &str, role: &Role) -> Result<Credential, AwsError> {
        let source = Self {
            profile: Some(role.source.clone()),
            depth: self.depth + 1,
            // A profile that names itself has the keys of who takes the role on.
            takes_no_role: role.source == profile,
            role: std::sync::Arc::default(),
            ..self.clone()
        };
        let url = source.endpoint("sts", &format!("sts.{}", self.region))?;
        let media_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        let answer = source.send("sts", url.clone(), &[(CONTENT_TYPE, media_type)], role.form().into()).await?;
        let text = String::from_utf8_lossy(&answer);
        let keys = element(&text, "AccessKeyId").zip(element(&text, "SecretAccessKey"));
        let (access_key_id, secret_access_key) =
            keys.ok_or_else(|| HttpError::malformed(&Method::POST, &url, "it has no credentials"))?;
        let session_token = element(&text, "SessionToken");
        Ok(Credential { access_key_id, secret_access_key, session_token, ..Credential::default() })
    }
}

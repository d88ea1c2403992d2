//! Images in AWS ECR: its control plane is called with signatures, its registry with a password that lasts twelve hours.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::aws::{Aws, AwsError};
use super::error::{Code, Result, TargetError};
use super::oci::{self, Surroundings, failed, finding, note};
use super::role::{Finding, Identity, Provisioned, Registry, Scan, Severity};
use super::{Target, find};
use crate::config::{ImageRegistry, RegistryAuth, RegistryKind};
use crate::registry::{Client, Credential, Login, Repository};

const PREFIX: &str = "AmazonEC2ContainerRegistry_V20150921";
/// The tag of repositories that are ours.
const MANAGED: &str = "dev.helix.managed";
/// Between two questions about a scan.
const SCAN_INTERVAL: Duration = Duration::from_secs(3);
/// The most digests of one call.
const MAX_IDS: usize = 100;

/// A repository of ECR.
#[derive(Debug)]
pub struct Ecr {
    target: &'static Target,
    around: Surroundings,
    aws: Aws,
    account: String,
    arn: String,
    repository: Repository,
    settings: Settings,
    /// The password of the registry, until it is old.
    password: Mutex<Option<(Credential, Instant)>>,
}

/// What the project file says of it.
#[derive(Clone, Debug)]
struct Settings {
    scan_on_push: bool,
    immutable_tags: bool,
    lifecycle_keep: Option<u32>,
    /// Whether a template of a tag is the same for each release.
    has_moving_tag: bool,
    auth_type: RegistryAuth,
}

impl Ecr {
    /// The repository of an instance, `name` when the project file names none. Asks AWS for the account.
    ///
    /// # Errors
    ///
    /// When there are no credentials, AWS does not answer, or a name is none.
    ///
    /// # Panics
    ///
    /// When `settings` is that of another registry.
    pub async fn connect(settings: &ImageRegistry, name: &str, around: Surroundings) -> Result<Self> {
        let target = find("ecr");
        let RegistryKind::Ecr {
            repository_name,
            region,
            registry_url,
            profile,
            scan_on_push,
            immutable_tags,
            lifecycle_keep,
        } = &settings.kind
        else {
            panic!("the settings of ECR are those of ECR")
        };
        let region = region.as_deref().or_else(|| region_of(registry_url.as_deref()?));
        let aws = Aws::new(around.clone(), region, profile.as_deref());
        let (account, arn) = aws.caller().await.map_err(|error| means(target, &aws, "find out the account", error))?;
        let china = if aws.region().starts_with("cn-") { ".cn" } else { "" };
        let own = || format!("{account}.dkr.ecr.{}.amazonaws.com{china}", aws.region());
        let host = registry_url.clone().unwrap_or_else(own);
        let path = repository_name.as_deref().or(settings.image.as_deref()).unwrap_or(name);
        let repository = Repository::new(&host, path, settings.plain_http)
            .map_err(|error| failed(target, "name the repository", &error.into()))?;
        let has_moving_tag = settings.tags.iter().any(|tag| !tag.contains("{release}"));
        let settings = Settings {
            scan_on_push: *scan_on_push,
            immutable_tags: *immutable_tags,
            lifecycle_keep: *lifecycle_keep,
            has_moving_tag,
            auth_type: settings.auth_type,
        };
        Ok(Self { target, around, aws, account, arn, repository, settings, password: Mutex::default() })
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Value, AwsError> {
        self.aws.json("ecr", PREFIX, operation, body).await
    }

    fn means(&self, action: &str, error: AwsError) -> TargetError {
        means(self.target, &self.aws, action, error)
    }

    /// What AWS knows of the repository; `None` when it is not there.
    async fn describe(&self) -> Result<Option<Value>> {
        match self.call("DescribeRepositories", &json!({"repositoryNames": [self.repository.path]})).await {
            Ok(answer) => Ok(answer["repositories"].get(0).cloned()),
            Err(error) if error.is("RepositoryNotFoundException") => Ok(None),
            Err(error) => Err(self.means("look for the repository", error)),
        }
    }

    /// Whether the repository was made by us.
    async fn is_ours(&self, described: &Value) -> Result<bool> {
        let body = json!({"resourceArn": described["repositoryArn"]});
        let tags = self.call("ListTagsForResource", &body).await;
        let tags = tags.map_err(|error| self.means("look who made the repository", error))?;
        let is_mark = |tag: &Value| tag["Key"] == MANAGED && tag["Value"] == "true";
        Ok(tags["tags"].as_array().is_some_and(|tags| tags.iter().any(is_mark)))
    }

    /// A password of the registry.
    async fn password(&self) -> Result<Credential> {
        let mut kept = self.password.lock().await;
        if let Some((credential, until)) = kept.as_ref()
            && *until > Instant::now()
        {
            return Ok(credential.clone());
        }
        let answer = self.call("GetAuthorizationToken", &json!({})).await;
        let answer = answer.map_err(|error| self.means("get a password of the registry", error))?;
        let data = &answer["authorizationData"][0];
        let decoded = data["authorizationToken"].as_str().and_then(|token| STANDARD.decode(token).ok());
        let decoded = decoded.and_then(|token| String::from_utf8(token).ok());
        let Some((user, password)) = decoded.as_deref().and_then(|token| token.split_once(':')) else {
            let message = "AWS answered without a password";
            return Err(TargetError::new(Code::Upstream, self.target.title, "log in to the registry", message));
        };
        let credential = Credential::Basic { user: user.to_owned(), password: SecretString::from(password.to_owned()) };
        let now = jiff::Timestamp::now().as_second() as f64;
        // One that has ended when it arrives is good for one use: that clock, or ours, is wrong.
        let life = Duration::try_from_secs_f64((data["expiresAt"].as_f64().unwrap_or(now) - now) * 0.8).ok();
        *kept = life.map(|life| (credential.clone(), Instant::now() + life));
        Ok(credential)
    }

    /// Has the last images kept only.
    async fn keep(&self, count: u32) -> Result<()> {
        let policy = json!({"rules": [{
            "rulePriority": 1,
            "description": "images that helix keeps",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
            "action": {"type": "expire"},
        }]});
        let body = json!({"repositoryName": self.repository.path, "lifecyclePolicyText": policy.to_string()});
        self.call("PutLifecyclePolicy", &body)
            .await
            .map(drop)
            .map_err(|error| self.means("say how many images are kept", error))
    }

    async fn look(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let immutable = match self.describe().await? {
            None => {
                let summary =
                    format!("the repository `{}` will be made in {}", self.repository.path, self.aws.region());
                findings.push(note("I-DEPLOY-CREATE", Severity::Info, summary, None));
                self.settings.immutable_tags
            }
            Some(described) => {
                self.client().await?.check_push().await.map_err(|error| {
                    failed(self.target, "push", &error).hint(format!("allow the actions of this policy: {POLICY}"))
                })?;
                described["imageTagMutability"] == "IMMUTABLE"
            }
        };
        if immutable && self.settings.has_moving_tag {
            let summary =
                "the tags of the repository cannot be moved, and `tags` names one that is the same for each release";
            let fix = "set `tags = [\"{release}\"]`, or `immutable_tags = false`".to_owned();
            findings.push(note(Code::Conflict.stable().0, Severity::Error, summary, Some(fix)));
        }
        Ok(findings)
    }
}

/// The actions that a deployment needs.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"},{"Effect":"Allow","Action":["ecr:DescribeRepositories","ecr:CreateRepository","ecr:TagResource","ecr:ListTagsForResource","ecr:PutLifecyclePolicy","ecr:BatchCheckLayerAvailability","ecr:InitiateLayerUpload","ecr:UploadLayerPart","ecr:CompleteLayerUpload","ecr:PutImage","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ecr:DescribeImageScanFindings","ecr:BatchDeleteImage"],"Resource":"arn:aws:ecr:*:*:repository/helix-*"}]}"#;

/// `123.dkr.ecr.REGION.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    host.split_once(".dkr.ecr.")?.1.split('.').next()
}

/// What an error of AWS means, and what to do about it.
fn means(target: &'static Target, aws: &Aws, action: &str, error: AwsError) -> TargetError {
    let new = |code: Code, message: String| TargetError::new(code, target.title, action, message);
    match error {
        AwsError::NoCredentials => new(Code::AuthMissing, "no credentials were found".to_owned())
            .context(aws.sources())
            .hint("log in, `aws sso login` or `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        AwsError::Credentials(reason) => new(Code::AuthRejected, format!("{} cannot be used: {reason}", aws.source()))
            .hint("renew it: `aws sso login`; roles that need a second factor: `eval \"$(aws configure export-credentials --format env)\"`"),
        AwsError::Http(error) => TargetError::http(target.title, action, &error),
        AwsError::Answer { kind, message, clock_ahead, source } => {
            let mut known = TargetError::http(target.title, action, &source);
            known.message = format!("{kind}: {message}");
            (known.code, known.hint) = advice(aws, &kind, clock_ahead).unwrap_or((known.code, known.hint));
            known
        }
    }
}

fn advice(aws: &Aws, kind: &str, clock_ahead: Option<i64>) -> Option<(Code, Option<String>)> {
    if let Some(ahead) = clock_ahead {
        let way = if ahead > 0 { "ahead" } else { "behind" };
        let hint = format!("set the clock of this machine: it is {} s {way}", ahead.abs());
        return Some((Code::AuthRejected, Some(hint)));
    }
    let (code, hint) = match kind {
        "ExpiredTokenException" | "ExpiredToken" => (
            Code::AuthRejected,
            format!("{} has ended: `aws sso login`, with `--profile` if it is one, or set new variables", aws.source()),
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch" => (Code::AuthRejected, format!("look at {}: AWS does not know it", aws.source())),
        "AccessDeniedException" | "AccessDenied" => {
            (Code::AuthScope, format!("allow what the message names; all that is needed: {POLICY}"))
        }
        "RepositoryNotFoundException" | "ImageNotFoundException" => return Some((Code::NotFound, None)),
        "ImageTagAlreadyExistsException" => {
            (Code::Conflict, "its tags cannot be moved: set `tags = [\"{release}\"]`".to_owned())
        }
        "RepositoryNotEmptyException" | "RepositoryAlreadyExistsException" => return Some((Code::Conflict, None)),
        "LimitExceededException" => (Code::Quota, "remove what is not needed, or ask AWS for more".to_owned()),
        "ThrottlingException" | "TooManyRequestsException" => {
            (Code::RateLimited, "run the command again in a minute".to_owned())
        }
        "InvalidParameterException" | "ValidationException" => return Some((Code::Invalid, None)),
        _ => return None,
    };
    Some((code, Some(hint)))
}

#[async_trait]
impl Registry for Ecr {
    fn target(&self) -> &'static Target {
        self.target
    }

    fn repository(&self) -> &Repository {
        &self.repository
    }

    async fn client(&self) -> Result<Client> {
        let kept = match self.settings.auth_type {
            RegistryAuth::DockerConfig => oci::login_of_docker(self.target, &self.around, &self.repository).await?,
            RegistryAuth::Token | RegistryAuth::Cli | RegistryAuth::Env => None,
        };
        let credential = match kept {
            Some(Login { credential, .. }) => credential,
            None => self.password().await?,
        };
        Ok(Client::new(self.around.http.clone(), self.repository.clone(), Some(credential)))
    }

    async fn whoami(&self) -> Result<Identity> {
        Ok(Identity { account: format!("{} ({})", self.account, self.arn), source: self.aws.source() })
    }

    async fn preflight(&self) -> Vec<Finding> {
        self.look().await.unwrap_or_else(|error| vec![finding(&error)])
    }

    async fn provision(&self) -> Result<Provisioned> {
        let mut done = Provisioned::default();
        done.settings.insert("region".to_owned(), self.aws.region().to_owned());
        let name = self.repository.to_string();
        if let Some(described) = self.describe().await? {
            // What somebody else has set up stays as it is.
            if let Some(count) = self.settings.lifecycle_keep
                && self.is_ours(&described).await?
            {
                self.keep(count).await?;
            }
            done.adopted.push(name);
            return Ok(done);
        }
        let mutability = if self.settings.immutable_tags { "IMMUTABLE" } else { "MUTABLE" };
        let body = json!({
            "repositoryName": self.repository.path,
            "imageTagMutability": mutability,
            "imageScanningConfiguration": {"scanOnPush": self.settings.scan_on_push},
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "tags": [{"Key": MANAGED, "Value": "true"}],
        });
        match self.call("CreateRepository", &body).await {
            Ok(_) => done.created.push(name),
            // Somebody was quicker.
            Err(error) if error.is("RepositoryAlreadyExistsException") => {
                done.adopted.push(name);
                return Ok(done);
            }
            Err(error) => return Err(self.means("make the repository", error)),
        }
        if let Some(count) = self.settings.lifecycle_keep {
            self.keep(count).await?;
        }
        Ok(done)
    }

    async fn scan(&self, digest: &str, limit: Duration) -> Result<Option<Scan>> {
        if !self.settings.scan_on_push {
            return Ok(None);
        }
        let body = json!({"repositoryName": self.repository.path, "imageId": {"imageDigest": digest}});
        let began = Instant::now();
        loop {
            match self.call("DescribeImageScanFindings", &body).await {
                Ok(answer) if answer["imageScanStatus"]["status"] == "COMPLETE" => return Ok(Some(counts(&answer))),
                Ok(answer) if answer["imageScanStatus"]["status"] == "FAILED" => {
                    let reason = answer["imageScanStatus"]["description"].as_str().unwrap_or("it does not say why");
                    return Err(TargetError::new(Code::Upstream, self.target.title, "scan the image", reason));
                }
                Ok(_) => {}
                // It begins a moment after the push.
                Err(error) if error.is("ScanNotFoundException") => {}
                Err(error) => return Err(self.means("read what the scan found", error)),
            }
            if began.elapsed() + SCAN_INTERVAL > limit {
                let message = format!("the scan was not done within {} s", limit.as_secs());
                return Err(TargetError::new(Code::Upstream, self.target.title, "scan the image", message)
                    .hint("push again in a minute: the image is there, and no tag of the instance points to it yet"));
            }
            tokio::time::sleep(SCAN_INTERVAL).await;
        }
    }

    async fn remove(&self, digests: &[String]) -> Result<Vec<String>> {
        let client = self.client().await?;
        let mut there = Vec::new();
        for digest in digests {
            let head = client.head(digest).await.map_err(|error| failed(self.target, "look for the image", &error))?;
            if head.is_some() {
                oci::check_ours(self.target, &client, digest).await?;
                there.push(digest.clone());
            }
        }
        there.extend(oci::signatures(self.target, &client, digests).await?);
        let mut removed = Vec::new();
        for some in there.chunks(MAX_IDS) {
            let ids: Vec<Value> = some.iter().map(|digest| json!({"imageDigest": digest})).collect();
            let body = json!({"repositoryName": self.repository.path, "imageIds": ids});
            let answer = self.call("BatchDeleteImage", &body).await;
            let answer = answer.map_err(|error| self.means("remove images", error))?;
            let gone = answer["imageIds"].as_array().cloned().unwrap_or_default();
            let gone = gone.iter().filter_map(|id| id["imageDigest"].as_str());
            let gone = gone.filter(|digest| digests.iter().any(|wanted| wanted == digest));
            removed.extend(gone.map(|digest| self.repository.at(digest)));
        }
        removed.dedup();
        Ok(removed)
    }

    async fn remove_repository(&self) -> Result<Vec<String>> {
        let Some(described) = self.describe().await? else { return Ok(Vec::new()) };
        if !self.is_ours(&described).await? {
            let message = format!("{} was not made by helix: it has no tag `{MANAGED}`", self.repository);
            return Err(TargetError::new(Code::Conflict, self.target.title, "remove the repository", message)
                .hint("remove it with the tools of its owner"));
        }
        let body = json!({"repositoryName": self.repository.path, "force": true});
        match self.call("DeleteRepository", &body).await {
            Ok(_) => Ok(vec![self.repository.to_string()]),
            Err(error) if error.is("RepositoryNotFoundException") => Ok(Vec::new()),
            Err(error) => Err(self.means("remove the repository", error)),
        }
    }
}

/// How many findings there are of each severity.
fn counts(answer: &Value) -> Scan {
    let found = answer["imageScanFindings"]["findingSeverityCounts"].as_object().cloned().unwrap_or_default();
    let count = |(severity, count): (String, Value)| Some((severity.to_lowercase(), count.as_u64()?));
    Scan { counts: found.into_iter().filter_map(count).collect() }
}

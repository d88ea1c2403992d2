//! `helix config cluster`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{ConfigReport, Named, Told};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::plain;
use crate::integrations::helix::types::{Cluster, Clusters, EnterpriseCluster, ProjectRef, mode_name};
use crate::ops::cloud;
use crate::ops::cloud::selection::{self, Selector};
use crate::ui::{Page, Style};
use crate::utils::count;

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// List the local instances, and the clusters of a workspace or a project
    List(ListArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Slug of the workspace; the selected one when omitted
    #[arg(long, value_name = "SLUG", conflicts_with = "workspace_id")]
    workspace: Option<String>,
    /// Id of the workspace
    #[arg(long, value_name = "ID")]
    workspace_id: Option<String>,
    /// Name of a project of the workspace
    #[arg(long, value_name = "NAME", conflicts_with = "project_id")]
    project: Option<String>,
    /// Id of a project of the workspace
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
}

/// The clusters.
#[derive(Debug, Serialize)]
pub struct ClusterList {
    workspace: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<ProjectRef>,
    local_instances: Vec<LocalInstance>,
    standard_clusters: Vec<Cluster>,
    enterprise_clusters: Vec<EnterpriseCluster>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct LocalInstance {
    name: String,
    port: u16,
    build_mode: &'static str,
}

impl Told for ClusterList {
    fn human(&self, page: &mut Page) {
        page.line(Style::Dim, format_args!("Workspace {}", self.workspace.url_slug));
        let row = |id: &str, name: &str, project: Option<&String>, kind: &str| {
            let texts = [name, project.map_or("", String::as_str), kind].map(|text| (Style::Plain, plain(text)));
            [(Style::Bold, plain(id))].into_iter().chain(texts).collect::<Vec<_>>()
        };
        let standard = self.standard_clusters.iter().map(|cluster| {
            row(
                &cluster.cluster_id,
                &cluster.cluster_name,
                cluster.project_name.as_ref(),
                cluster.build_mode.as_deref().unwrap_or(""),
            )
        });
        let enterprise = self.enterprise_clusters.iter().map(|cluster| {
            row(&cluster.cluster_id, &cluster.cluster_name, cluster.project_name.as_ref(), "enterprise")
        });
        page.table(&["CLUSTER", "NAME", "PROJECT", "MODE"], &standard.chain(enterprise).collect::<Vec<_>>());
        for local in &self.local_instances {
            page.line(
                Style::Dim,
                format_args!("  {} is on this machine, port {}, {}", local.name, local.port, local.build_mode),
            );
        }
        if let Some(message) = self.message {
            page.text_line(message);
        }
    }

    fn line(&self) -> String {
        count(self.standard_clusters.len() + self.enterprise_clusters.len(), "cluster", "clusters")
    }
}

pub(super) async fn run(deed: Deed, ctx: &Ctx) -> Result<ConfigReport, Failure> {
    let Deed::List(args) = deed;
    let service = cloud::connect(ctx).await?;
    let selector = Selector::of(args.workspace.as_deref(), args.workspace_id.as_deref());
    let workspace = selection::workspace(ctx, &service, selector.as_ref()).await?;
    let project = match Selector::of(args.project.as_deref(), args.project_id.as_deref()) {
        None => None,
        Some(Selector::Id(id)) => {
            let found = service.project(&id).await?;
            if found.workspace_id != workspace.id {
                let message = format!(
                    "the project `{}` is in the workspace `{}`, not in `{}`",
                    found.name, found.workspace_slug, workspace.url_slug
                );
                let failure = Failure::new("E-CLOUD-NOT-FOUND", ExitCode::State, message);
                return Err(failure.hint(format!("name that workspace: `--workspace {}`", found.workspace_slug)));
            }
            Some(ProjectRef { id: found.id, name: found.name })
        }
        Some(selector) => Some(selection::find_project(&service.projects(&workspace.id).await?, &selector)?),
    };
    let clusters = match &project {
        None => service.workspace_clusters(&workspace.id).await?,
        Some(project) => of_project(service.project_clusters(&project.id).await?, project),
    };
    let local = ctx.fresh_project().ok();
    let local_instances = local.iter().flat_map(|project| project.config().locals()).map(|(name, local)| {
        LocalInstance { name: name.to_owned(), port: local.port, build_mode: mode_name(local.build_mode) }
    });
    let is_empty = clusters.standard.is_empty() && clusters.enterprise.is_empty();
    Ok(ConfigReport::ClusterList(ClusterList {
        workspace: (&workspace).into(),
        project,
        local_instances: local_instances.collect(),
        standard_clusters: clusters.standard,
        enterprise_clusters: clusters.enterprise,
        message: is_empty.then_some("There are no clusters."),
    }))
}

/// The clusters of a project, which this call does not name with each of them.
fn of_project(mut clusters: Clusters, project: &ProjectRef) -> Clusters {
    for cluster in &mut clusters.standard {
        cluster.project_id.get_or_insert_with(|| project.id.clone());
        cluster.project_name.get_or_insert_with(|| project.name.clone());
    }
    for cluster in &mut clusters.enterprise {
        cluster.project_id.get_or_insert_with(|| project.id.clone());
        cluster.project_name.get_or_insert_with(|| project.name.clone());
    }
    clusters
}

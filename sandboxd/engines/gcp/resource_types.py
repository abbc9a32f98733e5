"""The types of resource that have policies in Google Cloud, by the service that they belong to.

A type is a resource's name without its ids: `projects/zones/instances`. These are the ones that version 0.24 of the
plugin knows.
"""

from functools import cache

_TYPES = """
accesscontextmanager: accessPolicies
aiplatform: projects/locations/datasets projects/locations/endpoints projects/locations/featureGroups
  projects/locations/featureOnlineStores projects/locations/featureOnlineStores/featureViews
  projects/locations/featurestores projects/locations/featurestores/entityTypes projects/locations/models
  projects/locations/notebookRuntimeTemplates projects/locations/reasoningEngines
analyticshub: projects/locations/dataExchanges projects/locations/dataExchanges/listings
  projects/locations/subscriptions
apigateway: projects/locations/apis projects/locations/apis/configs projects/locations/gateways
apigee: organizations/environments organizations/environments/deployments organizations/spaces
apigeeregistry: projects/locations/apis projects/locations/apis/artifacts projects/locations/apis/deployments
  projects/locations/apis/versions projects/locations/apis/versions/artifacts projects/locations/apis/versions/specs
  projects/locations/apis/versions/specs/artifacts projects/locations/artifacts projects/locations/documents
  projects/locations/instances projects/locations/runtime
apphub: projects/locations/applications
artifactregistry: projects/locations/repositories
backupdr: projects/locations/managementServers
beyondcorp: projects/locations/appConnections projects/locations/appConnectors projects/locations/appGateways
  projects/locations/applicationDomains projects/locations/applications projects/locations/connections
  projects/locations/connectors projects/locations/securityGateways projects/locations/securityGateways/applications
biglake: projects/catalogs projects/catalogs/namespaces projects/catalogs/namespaces/tables
bigquery: projects/datasets projects/datasets/routines projects/datasets/tables
bigqueryconnection: projects/locations/connections
bigquerydatapolicy: projects/locations/dataPolicies
bigqueryreservation: projects/locations/reservations projects/locations/reservations/assignments
bigtableadmin: projects/instances projects/instances/clusters/backups projects/instances/logicalViews
  projects/instances/materializedViews projects/instances/tables projects/instances/tables/authorizedViews
  projects/instances/tables/schemaBundles
binaryauthorization: projects/attestors projects/policy
cloudbilling: billingAccounts
cloudbuild: projects/locations/connections
clouddeploy: projects/locations/customTargetTypes projects/locations/deliveryPipelines
  projects/locations/deployPolicies projects/locations/targets
cloudfunctions: projects/locations/functions
cloudkms: projects/locations/ekmConfig projects/locations/ekmConnections projects/locations/keyRings
  projects/locations/keyRings/cryptoKeys projects/locations/keyRings/importJobs
cloudresourcemanager: folders organizations projects tagKeys tagValues
cloudtasks: projects/locations/queues
compute: firewallPolicies projects/backendBuckets projects/backendServices projects/firewallPolicies projects/images
  projects/instanceTemplates projects/interconnectAttachmentGroups projects/interconnectGroups projects/interconnects
  projects/licenseCodes projects/licenses projects/machineImages projects/recoverableSnapshots
  projects/regions/backendBuckets projects/regions/backendServices projects/regions/disks
  projects/regions/firewallPolicies projects/regions/instantSnapshotGroups projects/regions/instantSnapshots
  projects/regions/interconnectAttachments projects/regions/networkAttachments projects/regions/nodeTemplates
  projects/regions/recoverableSnapshots projects/regions/resourcePolicies projects/regions/serviceAttachments
  projects/regions/snapshots projects/regions/subnetworks projects/snapshotGroups projects/snapshots
  projects/zones/disks projects/zones/instances projects/zones/instantSnapshotGroups projects/zones/instantSnapshots
  projects/zones/nodeGroups projects/zones/reservationSubBlocks projects/zones/reservations
  projects/zones/reservations/reservationBlocks projects/zones/storagePools
config: projects/locations/deployments
connectors: projects/locations/connections projects/locations/providers
contactcenterinsights: projects/locations/authorizedViewSets/authorizedViews
containeranalysis: projects/locations/notes projects/locations/occurrences projects/notes projects/occurrences
  providers/notes
datacatalog: projects/locations/entryGroups projects/locations/tagTemplates projects/locations/taxonomies
  projects/locations/taxonomies/policyTags
dataform: projects/locations/folders projects/locations/repositories projects/locations/repositories/workspaces
  projects/locations/teamFolders
datafusion: projects/locations/instances projects/locations/instances/namespaces
datamigration: projects/locations/connectionProfiles projects/locations/conversionWorkspaces
  projects/locations/migrationJobs projects/locations/migrationJobs/objects projects/locations/privateConnections
dataplex: organizations/locations/encryptionConfigs projects/locations/aspectTypes projects/locations/changeRequests
  projects/locations/dataAttributeBindings projects/locations/dataProducts projects/locations/dataScans
  projects/locations/dataTaxonomies projects/locations/dataTaxonomies/attributes projects/locations/entryGroups
  projects/locations/entryLinkTypes projects/locations/entryTypes projects/locations/glossaries
  projects/locations/glossaries/categories projects/locations/glossaries/terms projects/locations/governanceRules
  projects/locations/lakes projects/locations/lakes/environments projects/locations/lakes/tasks
  projects/locations/lakes/zones projects/locations/lakes/zones/assets projects/locations/policyIntents
dataproc: projects/locations/autoscalingPolicies projects/locations/workflowTemplates
  projects/regions/autoscalingPolicies projects/regions/clusters projects/regions/jobs projects/regions/operations
  projects/regions/workflowTemplates
deploymentmanager: projects/deployments
discoveryengine: projects/locations/collections/engines
dns: projects/managedZones
domains: projects/locations/registrations
eventarc: projects/locations/channelConnections projects/locations/channels projects/locations/enrollments
  projects/locations/googleApiSources projects/locations/messageBuses projects/locations/pipelines
  projects/locations/triggers
gkebackup: projects/locations/backupPlans projects/locations/backupPlans/backups
  projects/locations/backupPlans/backups/volumeBackups projects/locations/restorePlans
  projects/locations/restorePlans/restores projects/locations/restorePlans/restores/volumeRestores
gkehub: projects/locations/features projects/locations/memberships projects/locations/scopes
gkeonprem: projects/locations/bareMetalAdminClusters projects/locations/bareMetalClusters
  projects/locations/bareMetalClusters/bareMetalNodePools projects/locations/vmwareAdminClusters
  projects/locations/vmwareClusters projects/locations/vmwareClusters/vmwareNodePools
healthcare: projects/locations/datasets projects/locations/datasets/consentStores
  projects/locations/datasets/dataMapperWorkspaces projects/locations/datasets/dicomStores
  projects/locations/datasets/fhirStores
iam: locations/workforcePools projects/locations/workloadIdentityPools projects/serviceAccounts
identitytoolkit: projects/tenants
logging: folders/locations/buckets/views locations/buckets/views organizations/locations/buckets/views
  projects/locations/buckets/views
managedidentities: projects/locations/domains projects/locations/domains/backups projects/locations/peerings
metastore: projects/locations/federations projects/locations/services projects/locations/services/backups
  projects/locations/services/databases projects/locations/services/databases/tables
ml: projects/jobs projects/models
networkconnectivity: projects/locations/hubs projects/locations/hubs/groups projects/locations/internalRanges
  projects/locations/policyBasedRoutes projects/locations/serviceClasses projects/locations/serviceConnectionMaps
  projects/locations/serviceConnectionPolicies projects/locations/spokes
networkmanagement: projects/locations/connectivityTests
networksecurity: projects/locations/addressGroups projects/locations/authorizationPolicies
  projects/locations/authzPolicies projects/locations/clientTlsPolicies projects/locations/serverTlsPolicies
networkservices: projects/locations/edgeCacheKeysets projects/locations/edgeCacheOrigins
  projects/locations/edgeCacheServices
notebooks: projects/locations/instances projects/locations/runtimes
privateca: projects/locations/caPools projects/locations/caPools/certificateAuthorities/certificateRevocationLists
  projects/locations/certificateAuthorities projects/locations/certificateAuthorities/certificateRevocationLists
  projects/locations/certificateTemplates projects/locations/reusableConfigs
pubsub: projects/schemas projects/snapshots projects/subscriptions projects/topics
run: projects/locations/instances projects/locations/jobs projects/locations/services projects/locations/workerPools
  projects/locations/workerpools
runtimeconfig: projects/configs
secretmanager: projects/locations/secrets projects/secrets
securesourcemanager: projects/locations/instances projects/locations/repositories
securitycenter: organizations/sources
servicedirectory: projects/locations/namespaces projects/locations/namespaces/services
  projects/locations/namespaces/workloads
servicemanagement: services services/consumers
spanner: projects/instances projects/instances/backups projects/instances/databases
  projects/instances/databases/backupSchedules
storage: b b/managedFolders b/o buckets buckets/objects
vmwareengine: projects/locations/privateClouds projects/locations/privateClouds/clusters
  projects/locations/privateClouds/hcxActivationKeys
workstations: projects/locations/workstationClusters/workstationConfigs
  projects/locations/workstationClusters/workstationConfigs/workstations
"""


@cache
def services() -> dict[str, set[str]]:
    """The services that have resources of a type, by type."""
    found: dict[str, set[str]] = {}
    for line in _TYPES.strip().replace("\n  ", " ").splitlines():
        service, _, types = line.partition(": ")
        for each in types.split():
            found.setdefault(each, set()).add(service)
    return found


UNSETTLED = frozenset(
    {
        "projects/regions/backendBuckets",
        "projects/regions/instantSnapshotGroups",
        "projects/regions/snapshots",
        "projects/snapshotGroups",
        "projects/zones/instantSnapshotGroups",
    }
)
"""Types that no stable version of their service has: only a self-link tells which one is meant."""

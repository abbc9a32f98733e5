"""Kinds by name."""

import pytest

from sandboxd.fakes import UnknownKind, kind, kinds

# The formats of the specification; kinds may be added, none may be lost.
SPECIFIED = """
airtable_pat amqp_url anthropic_key atlassian_api_token auth0_client_secret aws_access_key_id aws_secret_access_key
aws_session_token aws_temporary_access_key_id azure_client_secret azure_sas_url azure_storage_connection_string
azure_storage_key age_key basic_auth bitbucket_app_password circleci_pat cloudflare_api_token cloudflare_user_token
confluent_api_key confluent_api_secret databricks_pat datadog_api_key datadog_app_key digitalocean_pat
discord_bot_token dockerhub_pat doppler_personal_token doppler_service_token fastly_token gcp_service_account
github_fine_grained_pat github_gho github_ghp github_ghr github_ghs github_ghu gitlab_deploy_token gitlab_pat
gitlab_pat_routable gitlab_runner_token google_api_key google_oauth_client_secret grafana_cloud_token
grafana_service_account heroku_key hubspot_pat huggingface_token jwt_hs256 launchdarkly_sdk_key linear_api_key
mailchimp_key mailgun_key mailgun_key_new mongodb_url mysql_url newrelic_license_key newrelic_user_key notion_token
npm_token nuget_key okta_api_token openai_legacy_key openai_project_key pagerduty_key password_marked paypal_client_id
paypal_client_secret pem_ec pem_ed25519 pem_openssh pem_rsa pgp_private postgres_url postman_api_key pulumi_token
pypi_token redis_url rubygems_key sendgrid_key sentry_dsn sentry_org_token sentry_user_token shopify_access_token
shopify_shared_secret slack_app_token slack_bot_token slack_user_token slack_webhook snowflake_password
square_access_token square_app_secret stripe_publishable_test stripe_restricted_test stripe_secret_test
stripe_webhook_secret supabase_token telegram_bot_token terraform_cloud_token tls_certificate totp_seed
twilio_account_sid twilio_api_key_sid twilio_auth_token uuid4_marked vault_approle_secret_id vault_batch_token
vault_recovery_token vault_service_token vault_service_token_long vercel_token wireguard_key
"""


def test_all_specified_formats_are_there():
    assert len(SPECIFIED.split()) == 112
    assert set(SPECIFIED.split()) <= {each.id for each in kinds()}


def test_no_id_name_or_alias_is_given_twice():
    names = [name for each in kinds() for name in {each.id, each.name, *each.aliases}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("stripe.secret_key", "stripe_secret_test"),
        ("stripe_secret_test", "stripe_secret_test"),
        ("github.pat", "github_ghp"),
        ("aws.access_key_id", "aws_access_key_id"),
        ("password", "password_marked"),
        ("uuid", "uuid4_marked"),
        ("jwt", "jwt_hs256"),
    ],
)
def test_a_kind_is_known_by_name_alias_and_id(name, wanted):
    assert kind(name).id == wanted


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("stripe.secret_kye", "stripe.secret_key"),
        ("githup.pat", "github.pat"),
        ("Password", "password"),
        ("slack.zzzzzzzzzzzz", "slack.bot_token"),
    ],
)
def test_an_unknown_name_is_answered_with_close_ones(name, close):
    with pytest.raises(UnknownKind) as raised:
        kind(name)
    assert close in raised.value.close
    assert close in str(raised.value)


def test_a_name_like_no_other_gets_no_hint():
    with pytest.raises(UnknownKind) as raised:
        kind("qqqqq")
    assert str(raised.value) == "unknown kind 'qqqqq'"


def test_siblings_are_kinds():
    for each in kinds():
        for sibling in each.siblings.values():
            assert kind(sibling).id == sibling

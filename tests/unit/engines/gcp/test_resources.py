"""Names of resources. Expected answers are from the plugin's public source, its tests, and those of go-gcp-common."""

import pytest

from sandboxd.engines.gcp.resources import check_resource

AMBIGUOUS = "please provide a self-link or full resource name for non-service-unique resource type"
UNSTABLE = (
    "please provide a self-link with version instead; multiple versions of this resource exist, all non-preferred"
)


@pytest.mark.parametrize(
    "name",
    [
        "projects/shop",
        "projects/shop/topics/orders",
        "projects/shop/global/images/base",
        "organizations/123",
        "//cloudresourcemanager.googleapis.com/projects/shop",
        "//pubsub.googleapis.com/projects/shop/snapshots/s",
        "//storage.googleapis.com/buckets/media",
        "https://compute.googleapis.com/compute/v1/projects/shop/zones/z/instances/vm",
        "https://compute.googleapis.com/compute/beta/projects/shop/regions/r/snapshots/s",
    ],
)
def test_a_resource_that_has_a_policy_is_known(name):
    check_resource(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop", "invalid relative resource name shop (too few tokens)"),
        ("projects/", "invalid relative resource name projects/ (invalid resource sub-ID )"),
        ("Projects/x", "invalid relative resource name Projects/x (invalid collection ID Projects)"),
        ("projects/x/global", "invalid relative resource name projects/x/global (last collection '' has no ID)"),
        (
            "projects/x/teapots/y",
            'invalid resource "projects/x/teapots/y": unsupported resource type: projects/teapots',
        ),
        ("projects/x/snapshots/y", f'invalid resource "projects/x/snapshots/y": {AMBIGUOUS}'),
        ("projects/x/regions/r/snapshots/y", f'invalid resource "projects/x/regions/r/snapshots/y": {UNSTABLE}'),
        (
            "//compute.googleapis.com/projects/x/topics/y",
            (
                'invalid resource "//compute.googleapis.com/projects/x/topics/y": '
                "unsupported service compute for resource projects/topics"
            ),
        ),
        ("//example.com/projects/x", "invalid full name '//example.com/projects/x'"),
        (
            "//pubsub.googleapis.com/x",
            (
                "error parsing relative resource path in full resource name '//pubsub.googleapis.com/x': "
                "invalid relative resource name x (too few tokens)"
            ),
        ),
        ("https:/projects/x", "invalid self link 'https:/projects/x' must have scheme/host"),
        (
            "https://x.googleapis.com/v1/folders/1",
            (
                "self link 'https://x.googleapis.com/v1/folders/1' is not for project-level resource, "
                "must contain 'projects/')"
            ),
        ),
        (
            "https://x.googleapis.com/v1/projects/",
            (
                "error parsing relative resource path in self-link 'https://x.googleapis.com/v1/projects/': "
                "invalid relative resource name projects/ (invalid resource sub-ID )"
            ),
        ),
        ("projects/%zz", 'resource "projects/%zz" is invalid URI'),
        ("1:2/x", 'resource "1:2/x" is invalid URI'),
    ],
)
def test_what_is_no_such_resource_is_refused(name, text):
    with pytest.raises(ValueError, match=r"invalid|self link|error parsing") as caught:
        check_resource(name)
    assert str(caught.value) == text

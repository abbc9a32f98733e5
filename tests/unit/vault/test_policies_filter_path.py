"""List filters. Refusals were recorded from OpenBao 2.7.2, as far as it refuses the same."""

import pytest

from sandboxd.vault.policies import PolicyError, render_filter
from sandboxd.vault.policies.filter_path import check_filter


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{ .path }}{{ .key }}", "secret/App"),
        ("secret/data/{{.key}}", "secret/data/App"),
        ("{{ .key | lowercase }}", "app"),
        ("{{ lowercase .key }}", "app"),
        ("{{ .key | uppercase | lowercase }}", "app"),
        ("{{ (.key) }}", "App"),
        ('{{ .key | replace "A" "a" }}', "app"),
        ('{{ replace "A" (lowercase "B") .key }}', "bpp"),
        ("{{ .key | truncate 2 }}", "Ap"),
        ("{{ .key | truncate_sha256 10 }}", "App"),
        ('{{ "averylongname" | truncate_sha256 10 }}{{ .key }}', "av" + "60629d23" + "App"),
        ("{{ .key | hex }}", "417070"),
        ("{{ .key | hex | decode_hex }}", "App"),
        ("{{ .key | base64 }}", "QXBw"),
        ("{{ .key | base64 | decode_base64 }}", "App"),
        ("x  {{- .key -}}  y", "xAppy"),
        ("{{/* which */}}{{ .key }}", "App"),
        ("}}{{ .key }}", "}}App"),
        ("{{ `}}` }}{{ .key }}", "}}App"),
        ("{{ .Key }}", "<no value>"),
        ("{{ -5 }}", "-5"),
    ],
)
def test_a_filter_gives_a_path_for_a_key(template, path):
    assert render_filter(template, path="secret/", key="App") == path


UNPARSABLE = "unable to compile template for list_scan_response_keys_filter_path: unable to parse template: "


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("x", "list_scan_response_keys_filter_path resulted in same path for two different keys"),
        ("{{ .path }}", "list_scan_response_keys_filter_path resulted in same path for two different keys"),
        ("{{}}", UNPARSABLE + "template: template:1: missing value for command"),
        ("{{ foo }}", UNPARSABLE + 'template: template:1: function "foo" not defined'),
        ("\n{{ foo }}", UNPARSABLE + 'template: template:2: function "foo" not defined'),
        ("{{ end }}", UNPARSABLE + "template: template:1: unexpected {{end}}"),
        ('{{ "x }}', UNPARSABLE + "template: template:1: unterminated quoted string"),
        ("{{ .key }", UNPARSABLE + 'template: template:1: unexpected "}" in operand'),
        ("{{ .key", UNPARSABLE + "template: template:1: unclosed action"),
        ("{{ $x }}", UNPARSABLE + 'template: template:1: undefined variable "$x"'),
        ("{{ (.key }}", UNPARSABLE + "template: template:1: unclosed left paren"),
        ("{{ .key) }}", UNPARSABLE + "template: template:1: unexpected right paren"),
        ("{{ .key ; }}", UNPARSABLE + 'template: template:1: unexpected ";" in operand'),
        ("{{ , }}", UNPARSABLE + 'template: template:1: unexpected "," in command'),
        ("{{ | .key }}", UNPARSABLE + 'template: template:1: unexpected "|" in command'),
        ('{{ .key | "x" }}', UNPARSABLE + "template: template:1: non executable command in pipeline stage 2"),
    ],
)
def test_a_bad_filter_is_refused_in_the_servers_words(template, error):
    with pytest.raises(PolicyError) as caught:
        check_filter(template)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{{ truncate 5 }}", "wrong number of args for truncate: want 2 got 1"),
        ("{{ .key | truncate 0 }}", "error calling truncate: max length must be > 0 but was 0"),
        ("{{ .key | truncate_sha256 8 }}", "error calling truncate_sha256: max length must be > 8 but was 8"),
        ("{{ 5 | lowercase }}", "wrong type for value; expected string; got int"),
        ("{{ .key | decode_hex }}", "error calling decode_hex: encoding/hex: invalid byte"),
        ('{{ "abc" | decode_hex }}', "error calling decode_hex: encoding/hex: odd length hex string"),
    ],
)
def test_a_filter_that_cannot_run_is_refused(template, error):
    with pytest.raises(PolicyError) as caught:
        check_filter(template)
    assert str(caught.value).startswith(
        f"failed to validate list_scan_response_keys_filter_path: unable to apply template: {error}"
    )


@pytest.mark.parametrize("word", ["if", "range", "print", "uuid", "random", "true"])
def test_what_filters_cannot_do_here_is_said_by_name(word):
    with pytest.raises(PolicyError, match=f'"{word}" is not supported in list filters here'):
        check_filter(f"{{{{ {word} .key }}}}")

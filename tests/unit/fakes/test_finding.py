"""Credentials in a text."""

from sandboxd.fakes import Source, find, generate


def found(text):
    return [(span.kind.id, text[span.start : span.end], span.made_here) for span in find(text)]


def test_fakes_and_real_looking_values_are_found_where_they_stand(source):
    fake, real = generate("github.pat", source), "glpat-" + "aB3dE5gH7j" * 2
    text = f"export A={fake}\n# old: {real}.\n"
    assert found(text) == [("github_ghp", fake, True), ("gitlab_pat", real, False)]


def test_a_shapeless_value_is_found_by_its_mark_alone(source):
    fake = generate("datadog.api_key", source)
    text = f"DD_API_KEY: {fake}\nmd5: d41d8cd98f00b204e9800998ecf8427e\n"
    assert found(text) == [("datadog_api_key", fake, True)]


def test_the_password_in_a_url_that_was_made_here_is_not_told_again(source):
    url = generate("postgres.url", source)
    assert found(f"db = {url} # local") == [("postgres_url", url, True)]


def test_a_fake_password_in_a_url_to_a_real_host_is_told_with_the_url(source):
    password = generate("password", source)
    url = f"postgres://app:{password}@db.prod.corp.com/app"
    # The URL is ours by its password, but leads somewhere: what may be claimed of it is less.
    (span,) = find(url)
    assert span.made_here
    assert not span.finding.broken


def test_a_real_token_in_the_query_of_a_url_made_here_is_told(source):
    url = generate("redis.url", source) + "?token=" + "glpat-" + "aB3dE5gH7j" * 2
    assert [kind for kind, _, _ in found(url)] == ["redis_url", "gitlab_pat"]


def test_each_key_block_is_judged_by_itself(source):
    ours = generate("ed25519.private_key", source)
    other = "-----BEGIN PRIVATE" + " KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    other += "-----END PRIVATE" + " KEY-----"
    assert [made for _, _, made in found(ours + "\n" + other)] == [True, False]


def test_a_key_with_escaped_line_breaks_is_recognised(source):
    key = generate("ed25519.private_key", source).replace("\n", "\\n")
    assert [(kind, made) for kind, _, made in found(f'KEY="{key}"')] == [("pem_ed25519", True)]


def test_a_token_glued_to_other_letters_is_none():
    assert found("xghp_" + "a" * 36 + " ghp_" + "a" * 37) == []


def test_mail_addresses_that_were_made_here_are_found(source):
    address = generate("email", source)
    assert found(f"To: <{address}>, x") == [("email_marked", address, True)]


def test_random_looking_words_of_a_program_are_not_reported():
    text = """
    def test_the_lease_manager_renews_before_2_3_of_the_ttl(self): sha256 = "9f86d081884c7d659a2feaa0c55ad015"
    https://docs.python.org/3/library/hashlib.html#module-hashlib  AKIA SK12 hvs. ghp_ sk-ant- xoxb-
    b'\\x00' 0123456789abcdef0123456789abcdef 550e8400-e29b-41d4-a716-446655440000
    """
    assert found(text) == []


def test_spans_come_in_order_and_do_not_hold_the_value(source):
    values = [generate("github.pat", Source("s", "p", "f", version)) for version in range(20)]
    text = " ".join(values)
    spans = find(text)
    assert [text[span.start : span.end] for span in spans] == values
    assert not any(value in repr(span) for span, value in zip(spans, values, strict=True))

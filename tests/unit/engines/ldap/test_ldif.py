"""LDIF, as the parser behind Vault's openldap plugin takes it."""

import pytest

from sandboxd.engines.ldap import ldif


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("\n\n", []),
        ("dn: cn=a\ncn: a", ["cn=a"]),
        ("dn: cn=a\ncn: a\n\n\ndn: cn=b\nchangetype: delete\n", ["cn=a", "cn=b"]),
        ("version: 1\n\ndn: cn=a\ncn: a", ["cn=a"]),
        ("version: 1\ndn: cn=a\ncn: a", ["cn=a"]),
        ("dn: cn=a,\n dc=x\ncn: a\r\n", ["cn=a,dc=x"]),
        ("# comment\n folded into it\ndn: cn=a\ncn: a", ["cn=a"]),
        ("dn:: Y249YQ==\ncn: a", ["cn=a"]),
        ("dn: cn=a\nchangetype: add\nobjectClass: x\nseeAlso:\n", ["cn=a"]),
        ("dn: cn=a\ncontrol: 1.2.3 true\nchangetype: delete", ["cn=a"]),
        ("dn: cn=a\n2.5.4.3: a", ["cn=a"]),
        ("dn: cn=a\nchangetype: modify\nreplace: sn\nsn: x\n-\nadd: m\nm: y\n-\ndelete: q\n-", ["cn=a"]),
        ("dn: cn=g\nchangetype: modify\nadd: member\nmember: cn=a\n-\n\ndn: cn=a\ncn: a", ["cn=g", "cn=a"]),
    ],
)
def test_entries_are_found_in_order(text, wanted):
    assert ldif.dns(text) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cn: a", "Error in line 2: missing 'dn:'"),
        ("dn: cn=a", "Error in line 2: only a dn: line"),
        ("dn: cn=a\n\ndn: cn=b\ncn: b", "Error in line 2: only a dn: line"),
        ("version: 2\n\n", "Error in line 2: Invalid version spec 2"),
        ("version: x\n\n", 'Error in line 2: strconv.Atoi: parsing "x": invalid syntax'),
        ("dn: cn=a\ncontrol: 1.2.3", "Error in line 3: only controls found"),
        ("dn: cn=a\nchangetype: delete\ncn: a\nsn: b", "Error in line 5: no attributes allowed for changetype delete"),
        ("dn: cn=a\nchangetype: moddn\nx: y", "Error in line 4: unsupported changetype moddn"),
        ("dn: cn=a\nchangetype: x\ny: z", "Error in line 4: invalid changetype x"),
        (
            "dn: cn=a\nchangetype: modify\nadd: x\nx: y",
            "Error in line 5: modify request does not close with a single dash",
        ),
        ("dn: cn=a\nchangetype: modify\n-", "Error in line 4: empty operation"),
        ("dn: cn=a\nchangetype: modify\nx: y\n-", "Error in line 5: invalid operation x in modify request"),
        (
            "dn: cn=a\nchangetype: modify\nadd: x\nz: y\n-",
            "Error in line 6: invalid attribute z in add request for x",
        ),
        ("dn: cn=a\nnothing", "Error in line 3: Missing : in line `nothing`"),
        ("dn: cn=a\n: x", "Error in line 3: empty attribute name"),
        ("dn: cn=a\n-x: y", "Error in line 3: invalid first character in attribute"),
        ("dn: cn=a\na_b: y", "Error in line 3: invalid character in attribute name"),
        ("dn: cn=a\n1..2: y", "Error in line 3: OID with at least 2 consecutive dots"),
        ("dn: cn=a\n1.x: y", "Error in line 3: Invalid character in OID"),
        ("dn: cn=a\ncn:: %", "Error in line 3: illegal base64 data at input byte 0"),
        ("dn: cn=a\ncn:< file:///etc/passwd", "Error in line 3: failed to read a value: URLs are not followed"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, reason):
    with pytest.raises(ValueError, match=r"^Error in line") as refused:
        ldif.dns(text)
    assert str(refused.value) == reason

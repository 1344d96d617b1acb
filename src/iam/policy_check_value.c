#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Values of conditions: whether they are what the operator compares. */

static gboolean
is_number(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    gsize whole = strspn(at, "0123456789"), part = 0;

    at += whole;
    if (*at == '.') {
        part = strspn(at + 1, "0123456789");
        at += 1 + part;
    }
    return whole + part > 0 && *at == '\0';
}

static gboolean
is_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* "2026-11-24", a date with a time, or seconds since 1970. */
static gboolean
is_date(const char *text)
{
    g_autoptr(GDateTime) with_time = NULL, day = NULL;
    g_autofree char *whole = NULL;
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    if (is_digits(text))
        return TRUE;
    if (strlen(text) > 64)
        return FALSE;
    with_time = g_date_time_new_from_iso8601(text, utc);
    whole = g_strconcat(text, "T00:00:00Z", NULL);
    day = g_date_time_new_from_iso8601(whole, utc);
    return with_time != NULL || day != NULL;
}

static gboolean
is_base64(const char *text)
{
    g_autoptr(GBytes) bytes = rb_base64_decode(text, RB_POLICY_MAX_SIZE);

    return bytes != NULL;
}

/* ---- networks ---- */

typedef struct {
    guint8 at[16];
    int family;
    guint most, bits;
} Network;

/* An address, or a network like 203.0.113.0/24. */
static gboolean
network_read(const char *text, Network *n)
{
    const char *slash = strchr(text, '/');
    g_autofree char *address = slash == NULL ? g_strdup(text) : g_strndup(text, (gsize)(slash - text));
    guint64 bits;

    n->family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
    n->most = n->family == AF_INET ? 32 : 128;
    bits = n->most;
    if (inet_pton(n->family, address, n->at) != 1)
        return FALSE;
    if (slash != NULL && !g_ascii_string_to_unsigned(slash + 1, 10, 0, n->most, &bits, NULL))
        return FALSE;
    n->bits = (guint)bits;
    return TRUE;
}

/* Clears what lies behind the prefix. Returns: whether anything did */
static gboolean
network_mask(Network *n)
{
    gboolean changed = FALSE;

    for (guint i = n->bits; i < n->most; i++) {
        guint8 bit = (guint8)(0x80 >> (i % 8));
        changed = changed || (n->at[i / 8] & bit) != 0;
        n->at[i / 8] &= (guint8)~bit;
    }
    return changed;
}

/* Whether all of @text is in a range that the internet does not route (RFC 1918, RFC 4193, loopback, link).
 */
static gboolean
is_private(const char *text)
{
    static const char *const ranges[] = { "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8",
                                          "169.254.0.0/16", "fc00::/7",      "fe80::/10",      "::1/128" };
    Network range, n;

    if (!network_read(text, &n))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
        Network cut = n;
        if (!network_read(ranges[i], &range) || range.family != n.family || n.bits < range.bits)
            continue;
        cut.bits = range.bits;
        (void)network_mask(&cut);
        if (memcmp(cut.at, range.at, range.most / 8) == 0)
            return TRUE;
    }
    return FALSE;
}

void
rb_policy_check_networks(const RbPolicyCheck *check, const RbPolicyCondition *c)
{
    guint n_private = 0;

    if (g_ascii_strcasecmp(c->key.text, "aws:SourceIp") != 0)
        return;
    for (guint i = 0; i < c->values.n; i++)
        n_private += is_private(c->values.at[i].text) ? 1 : 0;
    if (n_private == 0)
        return;
    rb_diagnostics_finding(check->problems,
                           n_private == c->values.n ? RB_SEVERITY_ERROR : RB_SEVERITY_SUGGESTION,
                           n_private == c->values.n
                               ? (c->negated ? "PRIVATE_NOT_IP_ADDRESS" : "PRIVATE_IP_ADDRESS")
                               : (c->negated ? "PRIVATE_NOT_IP_ADDRESS_SUBSET" : "PRIVATE_IP_ADDRESS_SUBSET"),
                           c->values.at[0].place, "aws:VpcSourceIp has the addresses within a network",
                           "aws:SourceIp is an address of the internet; %s",
                           n_private == c->values.n ? "these are all private" : "some of these are private");
}

static void
check_network(const RbPolicyCheck *check, const RbPolicyText *value)
{
    char shown[INET6_ADDRSTRLEN] = "";
    g_autofree char *quoted = rb_text_quote(value->text), *hint = NULL;
    Network n;

    if (!network_read(value->text, &n)) {
        RB_FIND(check, WARNING, "TYPE_MISMATCH_IP_RANGE", value->place, "write it like 203.0.113.0/24",
                "%s is not an address or network", quoted);
        return;
    }
    if (!network_mask(&n) || inet_ntop(n.family, n.at, shown, sizeof shown) == NULL)
        return;
    hint = g_strdup_printf("write %s/%u", shown, n.bits);
    RB_FIND(check, SUGGESTION, "IMPROVE_IP_RANGE", value->place, hint, "%s has bits behind its prefix",
            quoted);
}

/* ---- by operator ---- */

static void
check_date(const RbPolicyCheck *check, const RbPolicyText *value)
{
    g_autofree char *quoted = rb_text_quote(value->text);

    if (!is_date(value->text))
        RB_FIND(check, WARNING, "TYPE_MISMATCH_DATE", value->place, "write it like 2026-11-24T09:00:00Z",
                "%s is not a date", quoted);
    else if (is_digits(value->text) && strlen(value->text) <= 4)
        RB_FIND(check, WARNING, "INVALID_DATE_VALUE", value->place, "write it like 2026-11-24T09:00:00Z",
                "%s is read as seconds since 1970", quoted);
}

static void
check_text(const RbPolicyCheck *check, const RbPolicyCondition *c, const RbPolicyText *value)
{
    g_autofree char *plain = g_strdup(value->text), *quoted = rb_text_quote(value->text);

    for (char *at = plain; (at = strstr(at, "${")) != NULL; at++) /* ${*} is the character itself */
        if (at[2] != '\0' && at[3] == '}')
            at[2] = '-';
    if (c->test != RB_TEST_STRING_LIKE && strpbrk(plain, "*?") != NULL)
        RB_FIND(check, WARNING, "WILDCARD_WITHOUT_LIKE_OPERATOR", value->place,
                c->negated ? "StringNotLike knows wildcards" : "StringLike knows wildcards",
                "%s has a wildcard, which '%s' takes as it is", quoted, c->op.text);
}

void
rb_policy_check_value(const RbPolicyCheck *check, const RbPolicyCondition *c, const RbPolicyText *value)
{
    g_autofree char *quoted = rb_text_quote(value->text);

    switch (c->test) {
    case RB_TEST_STRING_EQUALS:
    case RB_TEST_STRING_EQUALS_IGNORE_CASE:
    case RB_TEST_STRING_LIKE:
        check_text(check, c, value);
        return;
    case RB_TEST_NUMERIC_EQUALS:
    case RB_TEST_NUMERIC_LESS:
    case RB_TEST_NUMERIC_LESS_EQUALS:
    case RB_TEST_NUMERIC_GREATER:
    case RB_TEST_NUMERIC_GREATER_EQUALS:
        if (!is_number(value->text))
            RB_FIND(check, WARNING, "TYPE_MISMATCH_NUMBER", value->place, NULL, "%s is not a number", quoted);
        return;
    case RB_TEST_DATE_EQUALS:
    case RB_TEST_DATE_LESS:
    case RB_TEST_DATE_LESS_EQUALS:
    case RB_TEST_DATE_GREATER:
    case RB_TEST_DATE_GREATER_EQUALS:
        check_date(check, value);
        return;
    case RB_TEST_BOOL:
    case RB_TEST_NULL:
        if (g_ascii_strcasecmp(value->text, "true") != 0 && g_ascii_strcasecmp(value->text, "false") != 0)
            RB_FIND(check, WARNING, "TYPE_MISMATCH_BOOLEAN", value->place, "write true or false",
                    "%s is neither true nor false", quoted);
        return;
    case RB_TEST_BINARY_EQUALS:
        if (!is_base64(value->text))
            RB_FIND(check, WARNING, "TYPE_MISMATCH", value->place, "write it in base64", "%s is not base64",
                    quoted);
        return;
    case RB_TEST_IP_ADDRESS:
        check_network(check, value);
        return;
    case RB_TEST_ARN_LIKE:
        if (!g_str_has_prefix(value->text, "arn:") && strpbrk(value->text, "*?") == NULL)
            RB_FIND(check, ERROR, "INVALID_ARN_PREFIX", value->place, "write an ARN, or a pattern of one",
                    "%s is not an ARN", quoted);
        return;
    }
}

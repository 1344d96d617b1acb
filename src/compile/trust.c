#include "compile/priv.h"

#include "base/encoding.h"

#include <string.h>

/*
 * Who may take a role: the bridge, by the account's issuer method, and only as it does it: with a source
 * identity, with the session tags of the role and no others. Each action has a statement of its own, because
 * AWS knows each condition key for some of these actions alone ("Actions, resources, and condition keys for
 * AWS STS").
 */

static const struct {
    const char *partition, *signin;
} signins[] = {
    { "aws", "signin.aws.amazon.com" },
    { "aws-cn", "signin.amazonaws.cn" },
    { "aws-us-gov", "signin.amazonaws-us-gov.com" },
};

static const char *
signin_of(const char *partition)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signins); i++)
        if (g_str_equal(signins[i].partition, partition))
            return signins[i].signin;
    g_assert_not_reached(); /* mapping knows these three */
}

/* What a tag's value is, as a pattern: its characters are none that mean something in one. */
static char *
pattern_of(const RbTagTemplate *tag)
{
    GString *out = g_string_new(tag->parts[0]);

    for (guint i = 1; tag->parts[i] != NULL; i += 2) {
        g_string_append(out, "?*"); /* an attribute is never empty */
        g_string_append(out, tag->parts[i + 1]);
    }
    return g_string_free(out, FALSE);
}

char *
rb_compile_trust_words(const RbRole *role)
{
    GString *out = g_string_new(role->privileged ? "privileged" : "");

    for (guint i = 0; i < role->n_tags; i++) {
        g_autofree char *pattern = pattern_of(&role->tags[i]);
        g_string_append_printf(out, "\n%s=%s", role->tags[i].key, pattern);
    }
    return g_string_free(out, FALSE);
}

static json_t *
operator_of(json_t *condition, const char *name)
{
    json_t *keys = json_object_get(condition, name);

    if (keys == NULL) {
        keys = json_object();
        (void)json_object_set_new(condition, name, keys);
    }
    return keys;
}

static void
require(json_t *condition, const char *operator, const char * key, const char *value)
{
    (void)json_object_set_new(operator_of(condition, operator), key, json_string(value));
}

static void
require_audience(json_t *condition, const RbAccount *account, const RbBridge *bridge)
{
    const char *signin = signin_of(account->partition);
    g_autofree char *global = g_strdup_printf("https://%s/saml", signin);
    g_autofree char *regional =
        g_strdup_printf("https://%s.%s/saml", account->region != NULL ? account->region : "*", signin);

    /* Without a region in the mapping it is rolebridge.yaml's, which is not known here. */
    (void)json_object_set_new(operator_of(condition, account->region != NULL ? "StringEquals" : "StringLike"),
                              "saml:aud", json_pack("[s, s]", global, regional));
    require(condition, "StringEquals", "saml:iss", bridge->entity_id);
}

static void
require_tags(json_t *condition, const RbRole *role)
{
    for (guint i = 0; i < role->n_tags; i++) {
        g_autofree char *key = g_strconcat("aws:RequestTag/", role->tags[i].key, NULL);
        g_autofree char *pattern = pattern_of(&role->tags[i]);
        require(condition, role->tags[i].parts[1] == NULL ? "StringEquals" : "StringLike", key, pattern);
    }
}

/* What must be true of a sign-in by the account's method. */
static json_t *
sign_in_condition(const RbRole *role, const RbAccount *account, const RbBridge *bridge)
{
    json_t *condition = json_object();
    g_autofree char *aud = g_strconcat(bridge->host, ":aud", NULL),
                    *amr = g_strconcat(bridge->host, ":amr", NULL);

    if (account->method == RB_ISSUE_WEB_IDENTITY)
        require(condition, "StringEquals", aud, bridge->audience);
    else if (account->method == RB_ISSUE_SAML)
        require_audience(condition, account, bridge);
    else if (account->external_id != NULL)
        require(condition, "StringEquals", "sts:ExternalId", account->external_id);
    if (account->method == RB_ISSUE_WEB_IDENTITY && role->privileged)
        require(condition, "ForAnyValue:StringEquals", amr, "mfa");
    require(condition, "StringLike", "sts:SourceIdentity", "?*");
    require(condition, "StringLike", "sts:RoleSessionName", "?*");
    require_tags(condition, role);
    return condition;
}

/* The role's tags, whole and alone; none of them goes on to another role. */
static json_t *
tags_condition(const RbRole *role)
{
    json_t *condition = json_object(), *keys = json_array();

    for (guint i = 0; i < role->n_tags; i++)
        (void)json_array_append_new(keys, json_string(role->tags[i].key));
    (void)json_object_set_new(operator_of(condition, "ForAllValues:StringEquals"), "aws:TagKeys", keys);
    require(condition, "Null", "aws:TagKeys", "false");
    require(condition, "Null", "sts:TransitiveTagKeys", "true");
    return condition;
}

/* One action for whom the account trusts; @condition is taken over. */
static void
allow(json_t *statements, const char *sid, const RbAccount *account, const RbBridge *bridge,
      const char *action, json_t *condition)
{
    gboolean own = account->method == RB_ISSUE_ASSUME_ROLE;

    (void)json_array_append_new(statements, json_pack("{s:s, s:s, s:{s:s}, s:s, s:o}", "Sid", sid, "Effect",
                                                      "Allow", "Principal", own ? "AWS" : "Federated",
                                                      own ? bridge->principal : account->provider_arn,
                                                      "Action", action, "Condition", condition));
}

RbPolicy *
rb_compile_trust(RbCompiler *c, const RbRole *role, const RbAccount *account)
{
    static const char *const actions[] = { [RB_ISSUE_ASSUME_ROLE] = "sts:AssumeRole",
                                           [RB_ISSUE_WEB_IDENTITY] = "sts:AssumeRoleWithWebIdentity",
                                           [RB_ISSUE_SAML] = "sts:AssumeRoleWithSAML" };
    const RbBridge *bridge = rb_snapshot_bridge(c->out->snapshot);
    json_t *statements = json_array();

    allow(statements, "SignIn", account, bridge, actions[account->method],
          sign_in_condition(role, account, bridge));
    if (role->n_tags > 0) /* without it AWS takes no tag at all */
        allow(statements, "SessionTags", account, bridge, "sts:TagSession", tags_condition(role));
    allow(statements, "SourceIdentity", account, bridge, "sts:SetSourceIdentity",
          json_pack("{s:{s:s}}", "StringLike", "sts:SourceIdentity", "?*"));
    return rb_compile_document(c, RB_POLICY_TRUST, statements, account->place);
}

/* "arn:aws:iam::…" in "aws". */
static gboolean
is_in_partition(const char *arn, const char *partition)
{
    gsize n = strlen(partition);

    return strncmp(arn + strlen("arn:"), partition, n) == 0 && arn[strlen("arn:") + n] == ':';
}

gboolean
rb_compile_trust_check(RbCompiler *c, const RbAccount *account)
{
    const RbBridge *bridge = rb_snapshot_bridge(c->out->snapshot);
    const char *lack = NULL,
               *name = account->provider_arn == NULL ? "" : strchr(account->provider_arn, '/') + 1;
    g_autofree char *hint = NULL;

    if (bridge == NULL) {
        lack = "accounts.yaml has no 'bridge'";
        hint = g_strdup("write bridge: { url: https://bridge.acme.example } above the accounts");
    } else if (account->method == RB_ISSUE_ASSUME_ROLE && bridge->principal == NULL) {
        lack = "'bridge' has no 'principal'";
        hint = g_strdup("name the role that the service has: principal: \"arn:aws:iam::…:role/…\"");
    } else if (account->method == RB_ISSUE_ASSUME_ROLE &&
               !is_in_partition(bridge->principal, account->partition)) {
        lack = "bridge.principal is in another partition, and no role is taken across them";
        hint = g_strdup("use web-identity or saml there");
    } else if (account->method == RB_ISSUE_WEB_IDENTITY && !g_str_equal(name, bridge->host)) {
        lack = "its provider_arn is of another issuer than bridge.url";
        hint = g_strdup_printf("write …:oidc-provider/%s, or correct bridge.url", bridge->host);
    }
    if (lack != NULL)
        rb_diagnostics_error(c->problems, account->place.file, account->place.line, account->place.column,
                             hint, "what the account '%s' trusts is not known: %s", account->name, lack);
    return lack == NULL;
}

#include "compile/priv.h"

#include "base/encoding.h"

#include <string.h>

/*
 * Who may take a role: the bridge, by the account's issuer method, and only as it does it: with a source
 * identity, with the session tags of the role and no others. One statement says all of it: AWS looks at a key
 * such as sts:SourceIdentity only where the action that sets it stands beside it. Tags and source identity
 * are actions of their own, for which AWS documents fewer keys ("Actions, resources, and condition keys for
 * AWS STS"): each is allowed again by what is documented for it. Without the first nobody signs in.
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

/* What must be true of whoever vouches. */
static json_t *
vouched_condition(const RbAccount *account, const RbBridge *bridge)
{
    json_t *condition = json_object();
    g_autofree char *aud = g_strconcat(bridge->host, ":aud", NULL);

    if (account->method == RB_ISSUE_WEB_IDENTITY)
        require(condition, "StringEquals", aud, bridge->audience);
    else if (account->method == RB_ISSUE_SAML)
        require_audience(condition, account, bridge);
    return condition;
}

/* The role's tags and no others; none of them goes on to another role. */
static void
limit_tags(json_t *condition, const RbRole *role)
{
    json_t *keys = json_array();

    for (guint i = 0; i < role->n_tags; i++)
        (void)json_array_append_new(keys, json_string(role->tags[i].key));
    (void)json_object_set_new(operator_of(condition, "ForAllValues:StringEquals"), "aws:TagKeys", keys);
    require(condition, "Null", "aws:TagKeys", "false");
    require(condition, "Null", "sts:TransitiveTagKeys", "true");
}

static json_t *
sign_in_condition(const RbRole *role, const RbAccount *account, const RbBridge *bridge)
{
    json_t *condition = vouched_condition(account, bridge);
    g_autofree char *amr = g_strconcat(bridge->host, ":amr", NULL);

    if (account->external_id != NULL)
        require(condition, "StringEquals", "sts:ExternalId", account->external_id);
    if (account->method == RB_ISSUE_WEB_IDENTITY && role->privileged)
        require(condition, "ForAnyValue:StringEquals", amr, "mfa");
    require(condition, "StringLike", "sts:SourceIdentity", "?*");
    require(condition, "StringLike", "sts:RoleSessionName", "?*");
    if (role->n_tags > 0) {
        require_tags(condition, role);
        limit_tags(condition, role);
    }
    return condition;
}

static json_t *
tags_condition(const RbRole *role, const RbAccount *account, const RbBridge *bridge)
{
    json_t *condition = vouched_condition(account, bridge);

    limit_tags(condition, role);
    return condition;
}

static json_t *
source_condition(const RbAccount *account, const RbBridge *bridge)
{
    json_t *condition = vouched_condition(account, bridge);

    require(condition, "StringLike", "sts:SourceIdentity", "?*");
    return condition;
}

/* @actions for whom the account trusts; both it and @condition are taken over. */
static void
allow(json_t *statements, const char *sid, const RbAccount *account, const RbBridge *bridge, json_t *actions,
      json_t *condition)
{
    gboolean own = account->method == RB_ISSUE_ASSUME_ROLE;

    (void)json_array_append_new(statements, json_pack("{s:s, s:s, s:{s:s}, s:o, s:o}", "Sid", sid, "Effect",
                                                      "Allow", "Principal", own ? "AWS" : "Federated",
                                                      own ? bridge->principal : account->provider_arn,
                                                      "Action", actions, "Condition", condition));
}

RbPolicy *
rb_compile_trust(RbCompiler *c, const RbRole *role, const RbAccount *account)
{
    static const char *const ways[] = { [RB_ISSUE_ASSUME_ROLE] = "sts:AssumeRole",
                                        [RB_ISSUE_WEB_IDENTITY] = "sts:AssumeRoleWithWebIdentity",
                                        [RB_ISSUE_SAML] = "sts:AssumeRoleWithSAML" };
    const RbBridge *bridge = rb_snapshot_bridge(c->out->snapshot);
    json_t *statements = json_array(),
           *actions = json_pack("[s, s]", ways[account->method], "sts:SetSourceIdentity");

    if (role->n_tags > 0) /* without it AWS takes no tag at all */
        (void)json_array_append_new(actions, json_string("sts:TagSession"));
    allow(statements, "SignIn", account, bridge, actions, sign_in_condition(role, account, bridge));
    if (role->n_tags > 0)
        allow(statements, "SessionTags", account, bridge, json_string("sts:TagSession"),
              tags_condition(role, account, bridge));
    allow(statements, "SourceIdentity", account, bridge, json_string("sts:SetSourceIdentity"),
          source_condition(account, bridge));
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

#include "iam/arn.h"
#include "iam/match.h"
#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <string.h>

/* Trust policies: which action goes with which principal, and what a sign-in from outside must prove. */

#define GITHUB "token.actions.githubusercontent.com"

typedef enum { NO_PROVIDER, SAML_PROVIDER, OIDC_PROVIDER } Provider;

/* Issuers that every account knows without a provider of its own. */
static const char *const built_in[] = { "accounts.google.com", "cognito-identity.amazonaws.com",
                                        "graph.facebook.com", "www.amazon.com", NULL };

/* @issuer: (transfer full): what the condition keys of an OIDC provider begin with. */
static Provider
provider_of(const char *principal, char **issuer)
{
    g_autoptr(RbArn) arn = rb_arn_parse(principal, NULL);

    *issuer = NULL;
    if (g_strv_contains(built_in, principal)) {
        *issuer = g_strdup(principal);
        return OIDC_PROVIDER;
    }
    if (arn == NULL || !g_str_equal(arn->service, "iam") || !rb_arn_is_account(arn->account))
        return NO_PROVIDER;
    if (g_str_has_prefix(arn->resource, "saml-provider/"))
        return SAML_PROVIDER;
    if (!g_str_has_prefix(arn->resource, "oidc-provider/"))
        return NO_PROVIDER;
    *issuer = g_strdup(arn->resource + strlen("oidc-provider/"));
    return OIDC_PROVIDER;
}

/* ---- actions ---- */

/* Who can do what: AWS principals and services assume a role, an identity provider vouches for somebody. */
static const struct {
    const char *action;
    gboolean by_aws, by_saml, by_oidc;
} actions[] = {
    { "sts:AssumeRole", TRUE, FALSE, FALSE },
    { "sts:AssumeRoleWithSAML", FALSE, TRUE, FALSE },
    { "sts:AssumeRoleWithWebIdentity", FALSE, FALSE, TRUE },
    { "sts:TagSession", TRUE, TRUE, TRUE },
    { "sts:SetSourceIdentity", TRUE, TRUE, TRUE },
    { "sts:SetContext", TRUE, TRUE, TRUE },
};

/* Whether some principal of the statement can do what @text names; *@known: a role can be asked for it. */
static gboolean
somebody_can(const RbPolicyStatement *s, const char *text, gboolean *known)
{
    gboolean aws = FALSE, saml = FALSE, oidc = FALSE, can = FALSE;

    for (guint i = 0; i < s->n_principals; i++) {
        const RbPolicyPrincipal *p = &s->principals[i];
        gboolean federated = g_str_equal(p->kind.text, "Federated");
        aws = aws || !federated;
        for (guint k = 0; k < p->values.n && federated; k++) {
            g_autofree char *issuer = NULL;
            Provider provider = provider_of(p->values.at[k].text, &issuer);
            saml = saml || provider != OIDC_PROVIDER; /* what is neither is told of by itself */
            oidc = oidc || provider != SAML_PROVIDER;
        }
    }
    *known = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (!rb_match_action(text, actions[i].action))
            continue;
        *known = TRUE;
        can =
            can || (aws && actions[i].by_aws) || (saml && actions[i].by_saml) || (oidc && actions[i].by_oidc);
    }
    return can;
}

static void
check_actions(const RbPolicyCheck *check)
{
    const RbPolicyTexts *texts = &check->s->actions;

    for (guint i = 0; i < texts->n && !check->s->not_action; i++) {
        g_autofree char *quoted = rb_text_quote(texts->at[i].text);
        gboolean known, can = somebody_can(check->s, texts->at[i].text, &known);
        if (!known)
            RB_FIND(check, ERROR, "UNSUPPORTED_ACTION_IN_POLICY", texts->at[i].place,
                    "a role is taken with sts:AssumeRole, sts:AssumeRoleWithSAML or "
                    "sts:AssumeRoleWithWebIdentity",
                    "%s is nothing that a trust policy can allow", quoted);
        else if (!can && !check->s->not_principal)
            RB_FIND(check, ERROR, "MISMATCHED_ACTION_FOR_PRINCIPAL", texts->at[i].place,
                    "sts:AssumeRole is for accounts, roles and services, …WithSAML for SAML providers, "
                    "…WithWebIdentity for OIDC providers",
                    "none of the principals here can do %s", quoted);
    }
}

/* Keys that are there only while another action is done as well. */
static void
check_keys(const RbPolicyCheck *check)
{
    static const struct {
        const char *key, *action;
    } needs[] = {
        { "sts:SourceIdentity", "sts:SetSourceIdentity" },
        { "sts:TransitiveTagKeys", "sts:TagSession" },
        { "aws:RequestTag/", "sts:TagSession" },
        { "aws:TagKeys", "sts:TagSession" },
        { "sts:ExternalId", "sts:AssumeRole" },
    };

    for (guint i = 0; i < check->s->n_conditions; i++)
        for (gsize k = 0; k < G_N_ELEMENTS(needs); k++) {
            const RbPolicyCondition *c = &check->s->conditions[i];
            gsize n = strlen(needs[k].key);
            if (g_ascii_strncasecmp(c->key.text, needs[k].key, n) == 0 &&
                (needs[k].key[n - 1] == '/' || c->key.text[n] == '\0') && check->s->allow &&
                !rb_policy_takes(check->s, needs[k].action))
                RB_FIND(check, ERROR, "MISSING_ACTION_FOR_CONDITION_KEY", c->key.place, "add the action",
                        "'%s' is there only together with %s", c->key.text, needs[k].action);
        }
}

/* ---- identity providers ---- */

/* A workflow of any repository in the world has a token of this issuer. */
static void
check_github(const RbPolicyCheck *check, const RbPolicyText *principal)
{
    static const char *const pins[] = {
        GITHUB ":sub",           GITHUB ":job_workflow_ref", GITHUB ":repository",
        GITHUB ":repository_id", GITHUB ":repository_owner", GITHUB ":repository_owner_id"
    };

    for (guint i = 0; i < check->s->n_conditions; i++) {
        const RbPolicyCondition *c = &check->s->conditions[i];
        for (gsize k = 0; k < G_N_ELEMENTS(pins); k++) {
            gboolean open = FALSE;
            if (g_ascii_strcasecmp(c->key.text, pins[k]) != 0 || c->negated || c->if_exists)
                continue;
            for (guint v = 0; v < c->values.n; v++) /* "*", "repo:*" */
                open = open || (c->test == RB_TEST_STRING_LIKE &&
                                (strpbrk(c->values.at[v].text, "*?") == c->values.at[v].text ||
                                 g_str_has_prefix(c->values.at[v].text, "repo:*")));
            if (!open && c->test != RB_TEST_NULL)
                return;
        }
    }
    RB_FIND(check, SECURITY, "MISSING_GITHUB_REPO_CONDITION_KEY", principal->place,
            "add a condition on " GITHUB ":sub, like repo:acme/app:*",
            "workflows of any repository on GitHub may take this role");
}

static void
check_federated(const RbPolicyCheck *check, const RbPolicyText *principal)
{
    g_autofree char *issuer = NULL, *quoted = rb_text_quote(principal->text), *keys = NULL;
    Provider provider = provider_of(principal->text, &issuer);

    if (provider == NO_PROVIDER) {
        RB_FIND(check, ERROR, "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", principal->place,
                "write the ARN of a SAML or OIDC provider", "%s is no identity provider", quoted);
        return;
    }
    if (provider != OIDC_PROVIDER || !check->s->allow)
        return;
    keys = g_strconcat(issuer, ":", NULL);
    if (!rb_policy_has_key(check->s, keys))
        RB_FIND(check, SECURITY, "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", principal->place,
                "add conditions on its aud and sub", "whoever has a token of %s may take this role", quoted);
    if (g_str_equal(issuer, GITHUB))
        check_github(check, principal);
}

void
rb_policy_check_trust(const RbPolicyCheck *check)
{
    const RbPolicyStatement *s = check->s;

    check_actions(check);
    check_keys(check);
    for (guint i = 0; i < s->n_principals; i++)
        for (guint k = 0;
             k < s->principals[i].values.n && g_str_equal(s->principals[i].kind.text, "Federated"); k++)
            check_federated(check, &s->principals[i].values.at[k]);
}

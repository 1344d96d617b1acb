#include "iam/arn.h"
#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <string.h>

/* Principal and NotPrincipal of resource policies and trust policies. */

static gboolean
is_canonical_user(const char *text)
{
    return strlen(text) == 64 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* The id of a role or user: what AWS shows of one that is gone. */
static gboolean
is_unique_id(const char *text)
{
    return (g_str_has_prefix(text, "AROA") || g_str_has_prefix(text, "AIDA")) && strlen(text) >= 16 &&
           text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0';
}

static gboolean
is_principal_arn(const char *text)
{
    static const char *const forms[] = { "root", "user/", "role/", "assumed-role/", "federated-user/" };
    g_autoptr(RbArn) arn = rb_arn_parse(text, NULL);
    gboolean ok = FALSE;

    if (arn == NULL || !rb_arn_is_account(arn->account) || *arn->region != '\0')
        return arn != NULL && g_str_equal(arn->service, "iam") && g_str_equal(arn->account, "cloudfront");
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        gboolean whole = !g_str_has_suffix(forms[i], "/");
        ok = ok ||
             (whole ? g_str_equal(arn->resource, forms[i])
                    : g_str_has_prefix(arn->resource, forms[i]) && arn->resource[strlen(forms[i])] != '\0');
    }
    return ok && (g_str_equal(arn->service, "iam") || g_str_equal(arn->service, "sts"));
}

static void
check_aws(const RbPolicyCheck *check, const RbPolicyText *value)
{
    gboolean trust = check->policy->kind == RB_POLICY_TRUST;
    const char *text = value->text;
    g_autofree char *quoted = rb_text_quote(text);

    if (g_str_equal(text, "*") || rb_arn_is_account(text) ||
        (strpbrk(text, "*?") == NULL && is_principal_arn(text)))
        return;
    if (is_unique_id(text))
        RB_FIND(check, WARNING, text[1] == 'R' ? "INVALID_ROLE_REFERENCE" : "INVALID_USER_REFERENCE",
                value->place, "name the one that is meant now, or remove it",
                "%s is the id of somebody who is gone, and matches no namesake", quoted);
    else if (strpbrk(text, "*?") != NULL)
        RB_FIND(check, ERROR,
                trust ? "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL"
                      : "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
                value->place, "name the account, and who in it in a condition on aws:PrincipalArn",
                "AWS takes no wildcard within a principal: %s", quoted);
    else
        RB_FIND(check, ERROR, "INVALID_PRINCIPAL_FORMAT", value->place,
                "write an account, or the ARN of a role or user", "%s is no principal", quoted);
}

/* "ec2.amazonaws.com", "states.eu-central-1.amazonaws.com". */
static void
check_service(const RbPolicyCheck *check, const RbPolicyText *value)
{
    const char *text = value->text;
    g_autofree char *quoted = rb_text_quote(text);
    const char *dot = strchr(text, '.');
    gboolean ok =
        dot != NULL && dot != text && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-")] == '\0';

    if (!ok || (!g_str_has_suffix(text, ".amazonaws.com") && !g_str_has_suffix(text, ".amazonaws.com.cn") &&
                !g_str_has_suffix(text, ".amazonaws.eu") && !g_str_has_suffix(text, ".aws.internal")))
        RB_FIND(check, ERROR, "INVALID_SERVICE_PRINCIPAL_FORMAT", value->place,
                "write it like ec2.amazonaws.com", "%s is no service principal", quoted);
}

static void
check_one(const RbPolicyCheck *check, const char *kind, const RbPolicyText *value)
{
    if (rb_policy_check_variables(check, value, value->text, "VARIABLE_UNSUPPORTED_IN_ELEMENT",
                                  "a principal knows no variables"))
        return;
    if (g_str_equal(kind, "AWS"))
        check_aws(check, value);
    else if (g_str_equal(kind, "Service"))
        check_service(check, value);
    else if (g_str_equal(kind, "CanonicalUser") && !is_canonical_user(value->text))
        RB_FIND(check, ERROR, "INVALID_PRINCIPAL_FORMAT", value->place, "it has 64 hexadecimal digits",
                "this is no canonical user");
    else if (g_str_equal(kind, "Federated") && check->policy->kind != RB_POLICY_TRUST)
        RB_FIND(check, ERROR, "FEDERATED_PRINCIPAL_NOT_SUPPORTED", value->place,
                "allow the role that the federated session has",
                "only trust policies name an identity provider");
}

/* "111122223333" is the root of that account. */
static gboolean
is_same_principal(const char *a, const char *b)
{
    const char *root = rb_arn_is_account(a) ? b : a, *id = root == b ? a : b;
    g_autoptr(RbArn) arn = NULL;

    if (strcmp(a, b) == 0)
        return TRUE;
    if (!rb_arn_is_account(id))
        return FALSE;
    arn = rb_arn_parse(root, NULL);
    return arn != NULL && g_str_equal(arn->account, id) && g_str_equal(arn->resource, "root");
}

/* Who lets a service in should say on whose behalf, or it serves everybody's. */
static void
check_deputy(const RbPolicyCheck *check, const RbPolicyPrincipal *p)
{
    static const char *const sources[] = { "aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID",
                                           "aws:SourceOrgPaths" };

    if (!check->s->allow || check->policy->kind != RB_POLICY_RESOURCE || p->values.n == 0)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(sources); i++)
        if (rb_policy_has_key(check->s, sources[i]))
            return;
    RB_FIND(check, SECURITY, "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", p->values.at[0].place,
            "add a condition on aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths",
            "'%s' is let in on behalf of any account", p->values.at[0].text);
}

static void
check_everybody(const RbPolicyCheck *check, const RbPolicyPrincipal *p)
{
    gboolean any = g_str_equal(p->kind.text, "*") || (g_str_equal(p->kind.text, "AWS") && p->values.n == 1 &&
                                                      g_str_equal(p->values.at[0].text, "*"));

    if (check->policy->kind == RB_POLICY_RESOURCE_CONTROL && !any)
        RB_FIND(check, ERROR, "RCP_SYNTAX_ERROR_PRINCIPAL", p->kind.place, "write \"*\"",
                "a resource control policy is for everybody");
    if (check->policy->kind == RB_POLICY_TRUST && check->s->allow && g_str_equal(p->kind.text, "*"))
        RB_FIND(check, ERROR, "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", p->kind.place,
                "name who may take the role", "a role cannot trust everybody");
}

void
rb_policy_check_principals(const RbPolicyCheck *check)
{
    const RbPolicyStatement *s = check->s;

    for (guint i = 0; i < s->n_principals; i++) {
        const RbPolicyPrincipal *p = &s->principals[i];
        check_everybody(check, p);
        for (guint k = 0; k < p->values.n; k++)
            check_one(check, p->kind.text, &p->values.at[k]);
        rb_policy_check_spare(check, p->values, "REDUNDANT_PRINCIPAL", is_same_principal);
        if (g_str_equal(p->kind.text, "Service"))
            check_deputy(check, p);
    }
    if (s->not_principal && s->allow && check->policy->kind == RB_POLICY_RESOURCE)
        RB_FIND(check, SECURITY, "ALLOW_WITH_NOT_PRINCIPAL", s->principals[0].kind.place, "name who may",
                "everybody else is allowed, also those who are not signed in");
    if (s->not_principal && check->policy->kind == RB_POLICY_RESOURCE_CONTROL)
        RB_FIND(check, ERROR, "RCP_SYNTAX_ERROR_NOTPRINCIPAL", s->principals[0].kind.place, "use Principal",
                "a resource control policy has no NotPrincipal");
}

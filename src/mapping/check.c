#include "base/encoding.h"
#include "mapping/mapping.h"
#include "mapping/priv.h"

#include <string.h>

/* What can only be said once everything has been read. */

static void
check_pair(RbLoad *load, const RbAssignment *a, const RbAccount *account)
{
    const RbTaskPolicy *policy;
    const char *problem, *missing = rb_role_lacks(a->role, account, &policy);
    g_autofree char *hint = NULL, *text = NULL;

    if (missing != NULL) {
        hint = g_strdup_printf("add it to the parameters of '%s' in accounts.yaml", account->name);
        rb_diagnostics_error(load->problems, a->place.file, a->place.line, a->place.column, hint,
                             "the account '%s' has no parameter '%s', which %s '%s' needs (role '%s')",
                             account->name, missing, policy != NULL ? "the policy" : "the session policy of",
                             policy != NULL ? policy->name : a->role->name, a->role->name);
        return;
    }
    text = rb_session_policy_for(a->role, account, &problem);
    if (problem != NULL)
        rb_diagnostics_error(load->problems, a->role->place.file, a->role->place.line, 1, "shorten it",
                             "the role '%s' in '%s': %s", a->role->name, account->name, problem);
}

/* Whether @role asks anything of an account at all. */
static gboolean
is_particular(const RbRole *role)
{
    gboolean any = role->session_policy != NULL;

    for (guint i = 0; i < role->policies->len && !any; i++)
        any = ((const RbTaskPolicy *)g_ptr_array_index(role->policies, i))->needs[0] != NULL;
    return any;
}

static void
check_pairs(RbLoad *load)
{
    const RbSnapshot *s = load->snapshot;
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < s->assignments->len; i++) {
        const RbAssignment *a = &g_array_index(s->assignments, RbAssignment, i);
        if (a->role == NULL || a->role->broken || !is_particular(a->role))
            continue;
        for (guint k = 0; k < a->n_accounts; k++) {
            gsize pair = (gsize)a->role->index * (s->accounts->len + 1) + a->accounts[k] + 1;
            if (g_hash_table_add(done, (gpointer)pair))
                check_pair(load, a, g_ptr_array_index(s->accounts, a->accounts[k]));
        }
    }
}

void
rb_snapshot_check(RbLoad *load)
{
    check_pairs(load);
}

void
rb_snapshot_check_providers(const RbSnapshot *snapshot, const char *const *ids, RbDiagnostics *problems)
{
    for (guint i = 0; i < snapshot->assignments->len; i++) {
        const RbAssignment *a = &g_array_index(snapshot->assignments, RbAssignment, i);
        g_autofree char *quoted = NULL, *hint = NULL;
        const char *near;
        if (a->provider == NULL || g_strv_contains(ids, a->provider))
            continue;
        quoted = rb_text_quote(a->provider);
        near = rb_text_nearest(a->provider, ids);
        hint = near != NULL
                   ? g_strdup_printf("did you mean '%s'?", near)
                   : g_strdup("it brings nothing to anybody: name one of rolebridge.yaml, or leave it out");
        rb_diagnostics_warning(problems, a->place.file, a->place.line, a->place.column, hint,
                               "no identity provider %s is configured", quoted);
    }
}

/* ---- rolebridge as the accounts' identity provider ---- */

/* AWS names an OIDC provider by its URL without the scheme, and compares it letter by letter. */
static void
check_provider_arn(const RbAccount *account, const char *url, RbDiagnostics *problems)
{
    const char *name = strstr(url, "://") != NULL ? strstr(url, "://") + 3 : url;
    g_autofree char *want =
        g_strdup_printf("arn:%s:iam::%s:oidc-provider/%s", account->partition, account->id, name);
    g_autofree char *hint = g_strdup_printf("write %s, or correct issuer.url", want);
    g_autofree char *quoted = rb_text_quote(account->provider_arn);

    if (!g_str_equal(account->provider_arn, want))
        rb_diagnostics_error(problems, account->place.file, account->place.line, account->place.column, hint,
                             "the account '%s' trusts %s, and rolebridge is the issuer '%s'", account->name,
                             quoted, url);
}

/* What stands against any token or assertion at all: said once for a method, at its first account. */
static gboolean
check_issuer_can(const RbAccount *account, const RbIssuerFacts *facts, RbDiagnostics *problems)
{
    gboolean saml = account->method == RB_ISSUE_SAML;
    const char *method = saml ? "saml" : "web-identity", *use = saml ? "assertion" : "token";
    g_autofree char *hint = g_strdup_printf("make one: rolebridgectl keys rotate --for %s", use);

    if (facts->url == NULL)
        rb_diagnostics_error(problems, account->place.file, account->place.line, account->place.column,
                             "add issuer: { keys: certs/issuer } to rolebridge.yaml (docs/issuer.md)",
                             "the account '%s' trusts rolebridge itself (%s), and there is no 'issuer'",
                             account->name, method);
    else if (!(saml ? facts->signs_assertions : facts->signs_tokens))
        rb_diagnostics_error(problems, account->place.file, account->place.line, account->place.column, hint,
                             "the account '%s' trusts rolebridge itself (%s), and no key signs %ss",
                             account->name, method, use);
    else
        return TRUE;
    return FALSE;
}

gboolean
rb_snapshot_uses(const RbSnapshot *snapshot, RbIssueMethod method)
{
    for (guint i = 0; i < snapshot->accounts->len; i++)
        if (((const RbAccount *)snapshot->accounts->pdata[i])->method == method)
            return TRUE;
    return FALSE;
}

/* What compiled trust policies expect must be what the service signs. */
static void
check_bridge(const RbBridge *bridge, const char *key, const char *told, const char *is,
             RbDiagnostics *problems)
{
    g_autofree char *quoted = rb_text_quote(told), *real = is == NULL ? NULL : rb_text_quote(is);
    g_autofree char *hint = is == NULL ? NULL : g_strdup_printf("write %s: %s", key, is);

    if (is != NULL && !g_str_equal(told, is))
        rb_diagnostics_error(problems, bridge->place.file, bridge->place.line, bridge->place.column, hint,
                             "accounts are told to trust the %s %s, and the service's is %s", key, quoted,
                             real);
}

void
rb_snapshot_check_issuer(const RbSnapshot *snapshot, const RbIssuerFacts *facts, RbDiagnostics *problems)
{
    gboolean said[] = { [RB_ISSUE_WEB_IDENTITY] = FALSE, [RB_ISSUE_SAML] = FALSE };

    for (guint i = 0; i < snapshot->accounts->len; i++) {
        const RbAccount *account = g_ptr_array_index(snapshot->accounts, i);
        if (account->method == RB_ISSUE_ASSUME_ROLE)
            continue;
        if (!said[account->method])
            said[account->method] = !check_issuer_can(account, facts, problems);
        if (account->method == RB_ISSUE_WEB_IDENTITY && facts->url != NULL)
            check_provider_arn(account, facts->url, problems);
    }
    if (snapshot->bridge == NULL)
        return;
    check_bridge(snapshot->bridge, "url", snapshot->bridge->url, facts->url, problems);
    check_bridge(snapshot->bridge, "audience", snapshot->bridge->audience, facts->audience, problems);
    check_bridge(snapshot->bridge, "entity_id", snapshot->bridge->entity_id, facts->entity_id, problems);
}

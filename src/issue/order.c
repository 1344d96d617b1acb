#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

/* What every method does alike: checks before anything is signed or sent, the call, the look at its answer.
 */

enum { MAX_TAGS = 50, MAX_KEY = 128, MAX_VALUE = 256, MAX_POLICY = 2048 };

/* `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, valid UTF-8, from @min to @max characters. */
static gboolean
is_tag_text(const char *text, glong min, glong max)
{
    glong n = 0;

    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p), n++) {
        gunichar c = g_utf8_get_char(p);
        GUnicodeType type = g_unichar_type(c);
        gboolean separator = type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR ||
                             type == G_UNICODE_SPACE_SEPARATOR;
        if (!g_unichar_isalnum(c) && !separator && (c > 127 || strchr("_.:/=+-@", (int)c) == NULL))
            return FALSE;
    }
    return n >= min && n <= max;
}

static gboolean
check_tag(const RbTag *tag, GHashTable *seen, GError **error)
{
    g_autofree char *quoted = NULL, *folded = g_utf8_casefold(tag->key, -1);
    const char *wrong = NULL;

    if (!is_tag_text(tag->key, 1, MAX_KEY))
        wrong = "a key has 1 to 128 letters, digits, spaces or any of _.:/=+-@";
    else if (g_str_has_prefix(folded, "aws:"))
        wrong = "the prefix aws: is AWS's own";
    else if (!is_tag_text(tag->value, 0, MAX_VALUE))
        wrong = "its value has characters that AWS does not take, or more than 256";
    else if (!g_hash_table_add(seen, g_steal_pointer(&folded)))
        wrong = "another tag's key differs in case only";
    if (wrong == NULL)
        return TRUE;
    quoted = rb_text_quote(tag->key);
    return rb_refuse(error, RB_STS_TAGS, "tag %s: %s", quoted, wrong);
}

static gboolean
check_tags(const RbGrant *grant, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (grant->n_tags > MAX_TAGS)
        return rb_refuse(error, RB_STS_TAGS, "%u session tags; AWS takes 50", grant->n_tags);
    for (guint i = 0; i < grant->n_tags; i++)
        if (!check_tag(&grant->tags[i], seen, error))
            return FALSE;
    return TRUE;
}

/* STS counts characters; its class ends at U+00FF. */
static gboolean
check_policy(const char *policy, GError **error)
{
    glong n = 0;

    if (policy == NULL)
        return TRUE;
    if (!g_utf8_validate(policy, -1, NULL))
        return rb_refuse(error, RB_STS_POLICY, "the session policy is not UTF-8");
    for (const char *p = policy; *p != '\0'; p = g_utf8_next_char(p), n++) {
        gunichar c = g_utf8_get_char(p);
        if (c > 0xff || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            return rb_refuse(error, RB_STS_POLICY,
                             "the session policy has a character beyond U+00FF, or a control");
    }
    if (n < 1 || n > MAX_POLICY)
        return rb_refuse(error, RB_STS_POLICY, "the session policy has %ld characters; AWS takes 1 to 2048",
                         n);
    return TRUE;
}

/* The grant's account is what was decided on and is audited; the ARN is what AWS is asked for. */
static RbRoleArn *
check_role(const RbGrant *grant, GError **error)
{
    const char *why = NULL;
    g_autoptr(RbRoleArn) role = rb_role_arn_parse(grant->role_arn, &why);
    g_autofree char *quoted = NULL;

    if (role != NULL && g_str_equal(role->account, grant->account) &&
        g_str_equal(role->partition, grant->partition))
        return g_steal_pointer(&role);
    quoted = rb_text_quote(grant->role_arn);
    if (role == NULL)
        (void)rb_refuse(error, RB_STS_INVALID, "%s: %s", quoted, why);
    else
        (void)rb_refuse(error, RB_STS_INVALID, "%s is not a role of account %s in partition %s", quoted,
                        grant->account, grant->partition);
    return NULL;
}

void
rb_errand_clear(RbErrand *errand)
{
    g_clear_pointer(&errand->role, rb_role_arn_free);
    g_clear_pointer(&errand->url, g_free);
    g_clear_pointer(&errand->region, g_free);
}

gboolean
rb_order_check(RbIssuer *issuer, const RbOrder *order, RbErrand *errand, GError **error)
{
    const RbGrant *grant = order->grant;

    errand->role = check_role(grant, error);
    if (errand->role == NULL || !check_tags(grant, error) || !check_policy(grant->session_policy, error))
        return FALSE;
    errand->url = rb_issuer_endpoint(issuer, grant->partition, grant->region, &errand->region, error);
    return errand->url != NULL;
}

RbForm *
rb_order_form(const RbOrder *order, const char *action)
{
    RbForm *form = rb_form_new(action);

    rb_form_add(form, "Version", "2011-06-15");
    rb_form_add(form, "RoleArn", order->grant->role_arn);
    rb_form_add_number(form, "DurationSeconds", order->duration_s);
    rb_form_add(form, "Policy", order->grant->session_policy);
    return form;
}

/* An endpoint that answers for another role or person has mixed up two callers: nobody gets that. Look-alikes
 * of STS print other ARNs; what is not a session's ARN is not compared. */
static gboolean
check_answer(const RbOrder *order, const RbRoleArn *role, const RbCredentials *credentials, GError **error)
{
    g_autoptr(RbSessionArn) session = credentials->assumed_role_arn != NULL
                                          ? rb_session_arn_parse(credentials->assumed_role_arn, NULL)
                                          : NULL;

    if (session == NULL ||
        (g_str_equal(session->account, role->account) && g_str_equal(session->role, role->name) &&
         g_str_equal(session->session, order->identity->name)))
        return TRUE;
    return rb_fault(error, RB_FAULT_STS, "asked for %s as '%s', and STS answered with %s",
                    order->grant->role_arn, order->identity->name, credentials->assumed_role_arn);
}

RbCredentials *
rb_order_send(RbIssuer *issuer, const RbOrder *order, const RbErrand *errand, RbCredentials *own,
              RbForm *form, GError **error)
{
    g_autoptr(GBytes) body = rb_form_end(form);
    const RbStsCall call = { .what = order->grant->role_arn,
                             .url = errand->url,
                             .region = errand->region,
                             .own = own,
                             .form = body,
                             .duration_s = order->duration_s,
                             .grant = order->grant };
    g_autoptr(RbCredentials) issued = rb_sts_call(issuer, &call, error);

    return issued != NULL && check_answer(order, errand->role, issued, error) ? g_steal_pointer(&issued)
                                                                              : NULL;
}

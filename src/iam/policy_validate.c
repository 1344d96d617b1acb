#include "iam/match.h"
#include "iam/policy_check_priv.h"
#include "iam/policy_priv.h"

#include <stdlib.h>
#include <string.h>

/* What IAM Access Analyzer says of a whole document, and the order in which its parts are looked at. */

enum {
    RESOURCE_MAX = 20480, /* of a bucket's policy; other services take less */
    SPARE_MAX = 300,      /* entries of a list that are compared with each other: the work is their square */
};

gboolean
rb_policy_has_key(const RbPolicyStatement *s, const char *key)
{
    gsize n = strlen(key);
    gboolean prefix = key[n - 1] == ':' || key[n - 1] == '/';

    for (guint i = 0; i < s->n_conditions; i++) {
        const char *text = s->conditions[i].key.text;
        if (g_ascii_strncasecmp(text, key, n) == 0 && (prefix || text[n] == '\0'))
            return TRUE;
    }
    return FALSE;
}

gboolean
rb_policy_takes(const RbPolicyStatement *s, const char *action)
{
    for (guint i = 0; i < s->actions.n; i++)
        if (rb_match_action_wide(s->actions.at[i].text, action))
            return !s->not_action;
    return s->not_action;
}

void
rb_policy_check_spare(const RbPolicyCheck *check, RbPolicyTexts texts, const char *code,
                      gboolean (*covers)(const char *wide, const char *narrow))
{
    for (guint i = 0; i < texts.n && texts.n <= SPARE_MAX; i++)
        for (guint k = 0; k < texts.n; k++) {
            const char *text = texts.at[i].text, *other = texts.at[k].text;
            g_autofree char *hint = NULL;
            /* of two that cover each other, the later one is too many */
            if (k == i || !covers(other, text) || (k > i && covers(text, other)))
                continue;
            hint = g_strdup_printf("leave it out: '%s' covers it", other);
            RB_FIND(check, SUGGESTION, code, texts.at[i].place, hint, "'%s' adds nothing", text);
            break;
        }
}

/* ---- the document ---- */

static RbPlace
top_of(const RbPolicy *policy)
{
    return (RbPlace){ policy->n_statements == 0 ? "" : policy->statements[0].place.file, 1, 1 };
}

static void
check_size(const RbPolicyCheck *check)
{
    static const struct {
        glong max;
        RbSeverity severity;
        const char *code;
    } quotas[] = {
        [RB_POLICY_IDENTITY] = { RB_POLICY_MANAGED_MAX, RB_SEVERITY_WARNING,
                                 "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA" },
        [RB_POLICY_TRUST] = { RB_POLICY_TRUST_MAX, RB_SEVERITY_WARNING,
                              "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA" },
        [RB_POLICY_SESSION] = { RB_POLICY_SESSION_MAX, RB_SEVERITY_ERROR,
                                "POLICY_SIZE_EXCEEDS_SESSION_POLICY_QUOTA" }, /* no kind of the Analyzer's */
        [RB_POLICY_BOUNDARY] = { RB_POLICY_MANAGED_MAX, RB_SEVERITY_WARNING,
                                 "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA" },
        [RB_POLICY_SERVICE_CONTROL] = { RB_POLICY_SERVICE_CONTROL_MAX, RB_SEVERITY_ERROR,
                                        "POLICY_SIZE_EXCEEDS_SCP_QUOTA" },
        [RB_POLICY_RESOURCE_CONTROL] = { RB_POLICY_SERVICE_CONTROL_MAX, RB_SEVERITY_ERROR,
                                         "POLICY_SIZE_EXCEEDS_RCP_QUOTA" },
        [RB_POLICY_RESOURCE] = { RESOURCE_MAX, RB_SEVERITY_WARNING,
                                 "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA" },
    };
    RbPolicyKind kind = check->policy->kind;
    g_autofree char *text = rb_policy_print(check->policy);
    glong size = g_utf8_strlen(text, -1);

    if (size > quotas[kind].max)
        rb_diagnostics_finding(check->problems, quotas[kind].severity, quotas[kind].code,
                               top_of(check->policy), "split it, or say the same with fewer words",
                               "%ld characters without white space, but a %s has %ld at most", size,
                               rb_policy_kind_name(kind), quotas[kind].max);
}

/* Statements of equal meaning: the same normalised text but for the Sid. */
static void
check_statements_apart(const RbPolicyCheck *check)
{
    g_autoptr(RbPolicy) normal = rb_policy_normalise(check->policy);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < normal->n_statements; i++) {
        g_autoptr(RbPolicy) one = rb_policy_statements(normal, &i, 1);
        json_t *json = rb_policy_to_json(one);
        json_t *statement = json_array_get(json_object_get(json, "Statement"), 0);
        char *text;
        gpointer first;
        (void)json_object_del(statement, "Sid");
        text = json_dumps(statement, JSON_COMPACT);
        if (g_hash_table_lookup_extended(seen, text, NULL, &first))
            RB_FIND(check, SUGGESTION, "REDUNDANT_STATEMENT", check->policy->statements[i].place,
                    "keep one of them", "this statement says what the one at line %u does",
                    check->policy->statements[GPOINTER_TO_UINT(first)].place.line);
        else
            g_hash_table_insert(seen, g_strdup(text), GUINT_TO_POINTER(i));
        free(text);
        json_decref(json);
    }
}

static void
check_sids(const RbPolicyCheck *check)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < check->policy->n_statements; i++) {
        const RbPolicyText *sid = &check->policy->statements[i].sid;
        if (sid->text == NULL)
            continue;
        if (*sid->text == '\0')
            RB_FIND(check, SUGGESTION, "EMPTY_SID_VALUE", sid->place, "give it a name, or leave it out",
                    "an empty Sid");
        else if (!g_hash_table_add(seen, (gpointer)sid->text))
            RB_FIND(check, WARNING, "UNIQUE_SIDS_RECOMMENDED", sid->place, "choose another",
                    "the sid '%s' appears twice", sid->text);
    }
}

void
rb_policy_validate(const RbPolicy *policy, RbDiagnostics *problems)
{
    RbPolicyCheck check = { policy, NULL, problems };

    if (policy->version == NULL)
        RB_FIND(&check, WARNING, "MISSING_VERSION", top_of(policy), "begin with \"Version\": \"2012-10-17\"",
                "without a Version the rules of 2008 hold, which know no variables");
    check_size(&check);
    check_sids(&check);
    check_statements_apart(&check);
    for (guint i = 0; i < policy->n_statements; i++) {
        check.s = &policy->statements[i];
        if (policy->kind == RB_POLICY_TRUST)
            rb_policy_check_trust(&check);
        rb_policy_check_principals(&check);
        rb_policy_check_actions(&check);
        rb_policy_check_resources(&check);
        rb_policy_check_conditions(&check);
    }
}

#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

/* IAM's statements in a mapping: iam/ reads them, and here the variables in them are looked at. What an
 * action does is not judged. */

/* One policy document being read. */
typedef struct {
    RbLoad *load;
    GHashTable *needs; /* account parameters named */
} Reader;

/* One variable ("account.input_bucket") of the mapping, or of AWS ("aws:PrincipalTag/team"). */
static void
check_variable(Reader *r, RbPlace place, const char *name)
{
    g_autofree char *quoted = rb_text_quote(name);

    if (g_str_equal(name, "partition") || g_str_equal(name, "role") || g_str_equal(name, "account.id"))
        return;
    if (g_str_has_prefix(name, "account.") && name[8] != '\0') {
        g_hash_table_add(r->needs, g_strdup(name + 8));
        return;
    }
    if (strchr(name, ':') != NULL || g_str_equal(name, "*") || g_str_equal(name, "?") ||
        g_str_equal(name, "$"))
        return;
    rb_diagnostics_error(
        r->load->problems, place.file, place.line, place.column,
        "known: ${partition}, ${role}, ${account.id}, ${account.<parameter>}, and AWS's own with a "
        "colon, like ${aws:PrincipalTag/team}",
        "unknown variable %s", quoted);
}

static void
check_text(Reader *r, const RbPolicyText *text)
{
    const char *at = text->text, *open;

    while ((open = strstr(at, "${")) != NULL) {
        const char *close = strchr(open, '}');
        g_autofree char *name = NULL;
        if (close == NULL) {
            rb_diagnostics_error(r->load->problems, text->place.file, text->place.line, text->place.column,
                                 "close it with }", "a '${' that does not end");
            return;
        }
        name = g_strndup(open + 2, (gsize)(close - open - 2));
        check_variable(r, text->place, name);
        at = close + 1;
    }
}

static void
check_texts(Reader *r, const RbPolicyTexts *texts)
{
    for (guint i = 0; i < texts->n; i++)
        check_text(r, &texts->at[i]);
}

RbPolicy *
rb_statements_read(RbLoad *load, RbPolicyKind kind, const RbYaml *list, GHashTable *needs)
{
    Reader r = { load, needs };
    guint before = rb_diagnostics_count(load->problems);
    g_autoptr(RbPolicy) policy = rb_policy_read(kind, list, load->problems);

    for (guint i = 0; policy != NULL && i < policy->n_statements; i++) {
        const RbPolicyStatement *s = &policy->statements[i];
        check_texts(&r, &s->resources);
        for (guint k = 0; k < s->n_conditions; k++)
            check_texts(&r, &s->conditions[k].values);
    }
    return rb_diagnostics_count(load->problems) == before ? g_steal_pointer(&policy) : NULL;
}

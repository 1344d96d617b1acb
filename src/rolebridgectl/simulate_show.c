#include "base/encoding.h"
#include "rolebridgectl/simulate.h"

#include <stdlib.h>
#include <string.h>

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static const char *const outcomes[] = {
    [RB_SIMULATED_ALLOWED] = "allowed",
    [RB_SIMULATED_DENIED] = "denied",
    [RB_SIMULATED_NOT_ALLOWED] = "not allowed",
    [RB_SIMULATED_NOT_KNOWN] = "not known",
};

static const char *const outcome_ids[] = {
    [RB_SIMULATED_ALLOWED] = "allowed",
    [RB_SIMULATED_DENIED] = "denied",
    [RB_SIMULATED_NOT_ALLOWED] = "not_allowed",
    [RB_SIMULATED_NOT_KNOWN] = "not_known",
};

/* The policy that @statement stands in, among all that have a say: the verdict names only the one that
 * decided. */
static const RbPolicy *
search(const GPtrArray *policies, const RbPolicyStatement *statement)
{
    for (guint i = 0; i < policies->len; i++) {
        const RbPolicy *policy = policies->pdata[i];

        if (statement >= policy->statements && statement < policy->statements + policy->n_statements)
            return policy;
    }
    return NULL;
}

static const RbPolicy *
policy_of(const RbSimulation *s, const RbPolicyStatement *statement)
{
    const RbPolicy *policy = search(s->owned, statement);

    return policy ? policy : search(s->identity, statement);
}

static json_t *
statement_text(const RbSimulation *s, const RbPolicyStatement *statement)
{
    const RbPolicy *policy = policy_of(s, statement);
    guint at = policy ? (guint)(statement - policy->statements) : 0;
    g_autoptr(RbPolicy) alone = policy ? rb_policy_statements(policy, &at, 1) : NULL;
    json_t *document = alone ? rb_policy_to_json(alone) : NULL, *list, *text;

    list = json_object_get(document, "Statement");
    text = json_is_array(list) ? json_array_get(list, 0) : list;
    json_incref(text);
    json_decref(document);
    return text;
}

static char *
place_of(const RbPolicyStatement *statement)
{
    return statement->place.line ? g_strdup_printf("%s:%u", statement->place.file, statement->place.line)
                                 : g_strdup(statement->place.file);
}

/* ---- for a person ---- */

static void
print_statement(const RbSimulation *s, const char *lead, const RbPolicyStatement *statement)
{
    g_autofree char *place = place_of(statement);
    json_t *json = statement_text(s, statement);
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    g_print("%s %s%s%s\n", lead, place, statement->sid.text ? ": " : "",
            statement->sid.text ? statement->sid.text : "");
    for (char **line = lines; *line && **line; line++)
        g_print("  %s\n", *line);
    json_decref(json);
    free(text);
}

static char *
values_of(const RbPolicyTexts *values)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < values->n; i++) {
        g_autofree char *quoted = rb_text_quote(values->at[i].text);

        g_string_append_printf(out, "%s%s", i ? ", " : "", quoted);
    }
    return g_string_free(out, FALSE);
}

static void
print_missed(const RbSimulation *s, const RbPolicyCondition *missed)
{
    const GPtrArray *values = rb_request_context_get(s->context, missed->key.text);
    g_autofree char *wanted = values_of(&missed->values);

    g_print("What did not hold: %s %s: %s; ", missed->op.text, missed->key.text, wanted);
    if (!values) {
        g_print("the request does not have it. If it would: --context %s=VALUE\n", missed->key.text);
        return;
    }
    g_print("the request has ");
    for (guint i = 0; i < values->len; i++) {
        g_autofree char *quoted = rb_text_quote(values->pdata[i]);

        g_print("%s%s", i ? ", " : "", quoted);
    }
    g_print("%s\n", values->len ? "" : "none");
}

/* A Deny on a key that only AWS or the person knows may bite only because nobody told it. */
static void
print_absent(const RbSimulation *s, const RbPolicyStatement *statement)
{
    for (guint i = 0; i < statement->n_conditions; i++) {
        const char *key = statement->conditions[i].key.text;

        if (statement->conditions[i].test != RB_TEST_NULL && !rb_request_context_get(s->context, key))
            g_print("The request does not have %s, and this depends on it: --context %s=VALUE\n", key, key);
    }
}

static void
print_unknown(const RbSimulation *s, RbSimulated outcome)
{
    for (guint i = 0; i < s->unknown->len; i++) {
        const char *name = s->unknown->pdata[i];

        if (outcome == RB_SIMULATED_NOT_KNOWN)
            g_print("The role has %s, and its document is not in managed/: it may allow this.\n", name);
        else if (outcome == RB_SIMULATED_ALLOWED)
            g_print("Unless %s denies it: its document is not in managed/.\n", name);
    }
}

static void
print_context(const RbSimulation *s)
{
    g_autoptr(GPtrArray) keys = rb_request_context_keys(s->context);

    g_print("The request, by %s:\n", s->session);
    for (guint i = 0; i < keys->len; i++) {
        const GPtrArray *values = rb_request_context_get(s->context, keys->pdata[i]);

        g_print("  %s =", (const char *)keys->pdata[i]);
        for (guint j = 0; j < values->len; j++) {
            g_autofree char *value = rb_text_printable(values->pdata[j], 500);

            g_print("%s %s", j ? "," : "", value);
        }
        g_print("\n");
    }
}

static void
print_headline(const RbSimulation *s, RbSimulated outcome, gboolean colour)
{
    static const char *const colours[] = { GREEN, RED, RED, YELLOW };
    g_autofree char *action = rb_text_printable(s->request.action, 200),
                    *resource = rb_text_printable(s->request.resource, RB_POLICY_TRUST_MAX);

    g_print("%s%s%s: %s on %s", colour ? colours[outcome] : "", outcomes[outcome], colour ? PLAIN : "",
            action, resource);
    if (s->role)
        g_print(", as %s in %s", s->role->name, s->account->account->name);
    g_print("\n");
}

static void
print_nearest(const RbSimulation *s, const RbVerdict *verdict)
{
    if (!verdict->near)
        return;
    print_statement(s, "Nearest:", verdict->near);
    print_missed(s, verdict->missed);
}

void
rb_simulation_print(const RbSimulation *s, RbSimulated outcome, const RbVerdict *verdict, gboolean colour)
{
    print_headline(s, outcome, colour);
    if (verdict->statement) {
        g_autofree char *lead =
            g_strdup_printf("By a statement of the %s,", rb_policy_kind_name(verdict->kind));

        print_statement(s, lead, verdict->statement);
        if (outcome == RB_SIMULATED_DENIED)
            print_absent(s, verdict->statement);
    } else {
        if (outcome == RB_SIMULATED_NOT_ALLOWED)
            g_print("No statement of the %s allows it.\n", rb_policy_kind_name(verdict->kind));
        print_nearest(s, verdict);
    }
    print_unknown(s, outcome);
    for (guint i = 0; i < s->missing_tags->len; i++) {
        const char *key = s->missing_tags->pdata[i];

        g_print("The session's tag %s is the person's and was not given: --tag %s=VALUE\n", key, key);
    }
    if (s->asked->verbose)
        print_context(s);
}

/* ---- for a program ---- */

static json_t *
statement_json(const RbSimulation *s, const RbPolicyStatement *statement)
{
    return json_pack("{s:s, s:i, s:s?, s:o?}", "file", statement->place.file, "line",
                     (int)statement->place.line, "sid", statement->sid.text, "statement",
                     statement_text(s, statement));
}

static json_t *
values_json(const GPtrArray *values)
{
    json_t *list = json_array();

    for (guint i = 0; i < values->len; i++)
        json_array_append_new(list, json_string_nocheck(values->pdata[i]));
    return list;
}

static json_t *
missed_json(const RbSimulation *s, const RbPolicyCondition *missed)
{
    const GPtrArray *values = rb_request_context_get(s->context, missed->key.text);
    json_t *wanted = json_array();

    for (guint i = 0; i < missed->values.n; i++)
        json_array_append_new(wanted, json_string(missed->values.at[i].text));
    return json_pack("{s:s, s:s, s:o, s:o?}", "operator", missed->op.text, "key", missed->key.text, "values",
                     wanted, "request", values ? values_json(values) : NULL);
}

json_t *
rb_simulation_json(const RbSimulation *s, RbSimulated outcome, const RbVerdict *verdict)
{
    json_t *out = json_pack("{s:s, s:s, s:s}", "outcome", outcome_ids[outcome], "action", s->request.action,
                            "resource", s->request.resource);
    g_autoptr(GPtrArray) keys = rb_request_context_keys(s->context);
    json_t *context = json_object();

    if (s->role) {
        json_object_set_new(out, "account", json_string(s->account->account->id));
        json_object_set_new(out, "role", json_string(s->role->name));
    }
    json_object_set_new(out, "by", json_string(rb_policy_kind_name(verdict->kind)));
    if (verdict->statement)
        json_object_set_new(out, "decided", statement_json(s, verdict->statement));
    if (verdict->near) {
        json_t *near = statement_json(s, verdict->near);

        json_object_set_new(near, "missed", missed_json(s, verdict->missed));
        json_object_set_new(out, "nearest", near);
    }
    if (s->unknown->len)
        json_object_set_new(out, "unknown_policies", values_json(s->unknown));
    if (s->missing_tags->len)
        json_object_set_new(out, "missing_tags", values_json(s->missing_tags));
    json_object_set_new(out, "session", json_string(s->session));
    for (guint i = 0; i < keys->len; i++)
        json_object_set_new(context, keys->pdata[i],
                            values_json(rb_request_context_get(s->context, keys->pdata[i])));
    json_object_set_new(out, "context", context);
    return out;
}

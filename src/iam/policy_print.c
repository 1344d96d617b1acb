#include "iam/policy_priv.h"

#include <stdlib.h>

/* Policies as JSON, in AWS's order of elements. */

static json_t *
texts_json(RbPolicyTexts texts)
{
    json_t *out;

    if (texts.n == 1)
        return json_string(texts.at[0].text);
    out = json_array();
    for (guint i = 0; i < texts.n; i++)
        (void)json_array_append_new(out, json_string(texts.at[i].text));
    return out;
}

static json_t *
principals_json(const RbPolicyStatement *s)
{
    json_t *out;

    if (s->n_principals == 1 && g_str_equal(s->principals[0].kind.text, "*"))
        return json_string("*");
    out = json_object();
    for (guint i = 0; i < s->n_principals; i++)
        (void)json_object_set_new(out, s->principals[i].kind.text, texts_json(s->principals[i].values));
    return out;
}

static json_t *
conditions_json(const RbPolicyStatement *s)
{
    json_t *out = json_object();

    for (guint i = 0; i < s->n_conditions; i++) {
        const RbPolicyCondition *c = &s->conditions[i];
        json_t *keys = json_object_get(out, c->op.text);
        if (keys == NULL) {
            keys = json_object();
            (void)json_object_set_new(out, c->op.text, keys);
        }
        (void)json_object_set_new(keys, c->key.text, texts_json(c->values));
    }
    return out;
}

static json_t *
statement_json(const RbPolicyStatement *s)
{
    json_t *out = json_object();

    if (s->sid.text != NULL)
        (void)json_object_set_new(out, "Sid", json_string(s->sid.text));
    (void)json_object_set_new(out, "Effect", json_string(s->allow ? "Allow" : "Deny"));
    if (s->n_principals > 0)
        (void)json_object_set_new(out, s->not_principal ? "NotPrincipal" : "Principal", principals_json(s));
    (void)json_object_set_new(out, s->not_action ? "NotAction" : "Action", texts_json(s->actions));
    if (s->resources.n > 0)
        (void)json_object_set_new(out, s->not_resource ? "NotResource" : "Resource",
                                  texts_json(s->resources));
    if (s->n_conditions > 0)
        (void)json_object_set_new(out, "Condition", conditions_json(s));
    return out;
}

json_t *
rb_policy_to_json(const RbPolicy *policy)
{
    json_t *out = json_object(), *statements = json_array();

    if (policy->version != NULL)
        (void)json_object_set_new(out, "Version", json_string(policy->version));
    if (policy->id != NULL)
        (void)json_object_set_new(out, "Id", json_string(policy->id));
    for (guint i = 0; i < policy->n_statements; i++)
        (void)json_array_append_new(statements, statement_json(&policy->statements[i]));
    (void)json_object_set_new(out, "Statement", statements);
    return out;
}

char *
rb_policy_print(const RbPolicy *policy)
{
    json_t *json = rb_policy_to_json(policy);
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER), *out = g_strdup(text);

    free(text);
    json_decref(json);
    return out;
}
